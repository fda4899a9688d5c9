export {
  createReceiptVerifier,
  verifyReceipt,
  type ReceiptResult,
  type ReceiptSubject,
  type ReceiptVerifier,
} from './verify.ts'
