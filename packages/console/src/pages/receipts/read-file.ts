import { parseSavedReceipt, type SavedReceipt } from '@sotto/protocol/receipts'
import { words } from '../../words/index.ts'

/** Some kilobytes are usual. */
const MAX_BYTES = 4 * 1024 * 1024

/** @throws `Error` in words for people; what it is worth is decided by verifying it */
export async function parseReceiptFile(file: Blob): Promise<SavedReceipt> {
  if (file.size > MAX_BYTES) throw new Error(words.receipts.tooLong)
  try {
    return parseSavedReceipt(new Uint8Array(await file.arrayBuffer()))
  } catch (cause) {
    throw new Error(words.receipts.notReceipt, { cause })
  }
}
