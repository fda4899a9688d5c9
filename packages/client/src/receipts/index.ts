export { createReceiptBook, type ReceiptBook } from './book.ts'
export { encodeResult, isResult, MAX_RESULT_BYTES, parseResult, type SavedResult } from './result-file.ts'
export type { ReceiptClaim } from './verify.ts'
