export { verifyReceipt, type ReceiptResult, type ReceiptSubject } from './verify.ts'
