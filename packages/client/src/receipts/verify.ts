import { fromBase64Url } from '@sotto/protocol/bytes'
import type { SottoError } from '@sotto/protocol/errors'
import {
  type InferenceReceipt,
  type RequestDigestHead,
  type ResponseDigestHead,
  type SavedReceipt,
  saltRequest,
  saltResponse,
} from '@sotto/protocol/receipts'
import type { ReceiptVerifier } from '@sotto/verifier'
import { clientError } from '../errors.ts'
import type { ExchangeEnd } from '../transport/index.ts'

/** What the receipt must be about. */
export interface ReceiptClaim {
  request: RequestDigestHead
  response: ResponseDigestHead
  end: ExchangeEnd
  /** RFC 9458 key identifier the request was encrypted to. */
  keyId: number
  /** Digest of the key-release policy of that key. */
  keyPolicy: string
}

/**
 * Verifies a receipt against what this client itself sent and received.
 * @throws `RECEIPT_INVALID` naming the first thing that differs
 */
export function verifyClaim(
  saved: SavedReceipt,
  verify: ReceiptVerifier,
  claim: ReceiptClaim,
): InferenceReceipt {
  const { ok, steps, receipt } = verify(saved)
  const failed = steps.find((step) => step.status === 'fail')
  if (!ok || receipt === undefined) {
    throw invalid(failed?.reason ?? 'a step did not pass', failed?.expected, failed?.found)
  }
  const salt = fromBase64Url(saved.salt)
  const { requestSha256, responseSha256 } = claim.end
  if (requestSha256 === undefined) throw invalid('the answer was complete before the request was sent')
  requireEqual('request', saltRequest(salt, claim.request, requestSha256), receipt.request)
  requireEqual('response', saltResponse(salt, claim.response, responseSha256), receipt.response)
  requireEqual('key identifier', String(claim.keyId), String(receipt.keyId))
  requireEqual('key-release policy', claim.keyPolicy, receipt.policy)
  return receipt
}

function requireEqual(what: string, expected: string, found: string): void {
  if (expected !== found) throw invalid(`it is about another ${what}`, expected, found)
}

function invalid(reason: string, expected?: string, found?: string): SottoError {
  return clientError('RECEIPT_INVALID', `the receipt does not hold: ${reason}`, {
    ...(expected !== undefined && { expected }),
    ...(found !== undefined && { found }),
  })
}
