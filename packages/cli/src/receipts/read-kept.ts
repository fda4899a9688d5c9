import { isResult, parseResult, type SavedResult } from '@sotto/client/receipts'
import { fromUtf8 } from '@sotto/protocol/bytes'
import { MAX_SAVED_RECEIPT_BYTES, parseSavedReceipt, type SavedReceipt } from '@sotto/protocol/receipts'
import { cliError } from '../errors.ts'
import { parseSaved } from '../input/index.ts'

/** As text of any form; canonical JSON has half of that at most. */
const MAX_RECEIPT_BYTES = 2 * MAX_SAVED_RECEIPT_BYTES

/** A receipt, and the result around it where the file is one. @throws `CLI_FILE`, `RESULT_MALFORMED` */
export function readKept(file: Uint8Array): { receipt: SavedReceipt; result?: SavedResult } {
  if (isResult(file)) {
    const result = parseResult(file)
    return { receipt: result.receipt, result }
  }
  if (file.length > MAX_RECEIPT_BYTES)
    throw cliError('CLI_FILE', `a receipt is not larger than ${MAX_RECEIPT_BYTES} bytes`)
  const receipt = parseSaved(textOf(file), parseSavedReceipt, {
    what: 'saved receipt',
    hint: 'name a file that --receipt or --save wrote',
  })
  return { receipt }
}

function textOf(file: Uint8Array): string {
  try {
    return fromUtf8(file)
  } catch (cause) {
    throw cliError('CLI_FILE', 'this is neither a receipt nor a kept result', { cause })
  }
}
