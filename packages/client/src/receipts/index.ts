export { createReceiptBook, type ReceiptBook } from './book.ts'
