export {
  createReceiptLog,
  type ReceiptLog,
  type ReceiptLogOptions,
  type ReceiptLogTrouble,
} from './batches.ts'
