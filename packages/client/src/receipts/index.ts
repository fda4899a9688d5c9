export { createReceiptBook, type ReceiptBook } from './book.ts'
export type { ReceiptClaim } from './verify.ts'
