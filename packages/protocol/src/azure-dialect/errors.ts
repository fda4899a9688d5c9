import { type ErrorAction, SottoError } from '../errors/index.ts'

/**
 * Codes of the wire dialect of Microsoft's attested OHTTP.
 * - `AZURE_MALFORMED` (stop): bytes or a document that the dialect does not have.
 * - `AZURE_TRUNCATED` (stop): the answer ended before its verified final chunk.
 * - `AZURE_TOO_LARGE` (stop): a chunk or the whole answer is longer than the receiver allows.
 * - `AZURE_OPEN_FAILED` (stop): a chunk is not authentic, or not at its place.
 * - `AZURE_CONTEXT_USED` (fix-input): an answer that is over was used again.
 * - `AZURE_RECEIPT_INVALID` (stop): a receipt does not prove that this service published this key.
 */
export type AzureDialectErrorCode =
  | 'AZURE_MALFORMED'
  | 'AZURE_TRUNCATED'
  | 'AZURE_TOO_LARGE'
  | 'AZURE_OPEN_FAILED'
  | 'AZURE_CONTEXT_USED'
  | 'AZURE_RECEIPT_INVALID'

const ACTIONS: Readonly<Record<AzureDialectErrorCode, ErrorAction>> = {
  AZURE_MALFORMED: 'stop',
  AZURE_TRUNCATED: 'stop',
  AZURE_TOO_LARGE: 'stop',
  AZURE_OPEN_FAILED: 'stop',
  AZURE_CONTEXT_USED: 'fix-input',
  AZURE_RECEIPT_INVALID: 'stop',
}

/** A {@link SottoError} of this dialect; the action follows from the code. */
export function azureError(
  code: AzureDialectErrorCode,
  message: string,
  options: { expected?: string; found?: string; cause?: unknown } = {},
): SottoError<AzureDialectErrorCode> {
  return new SottoError(code, ACTIONS[code], message, options)
}
