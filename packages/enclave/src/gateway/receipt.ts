import { fromUtf8, toBase64Url } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { type PreparedSigner, signDsse } from '@sotto/protocol/dsse'
import { type Digest, encodeDocument, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import {
  type BodyDigest,
  encodeReceiptTrailer,
  type InferenceReceipt,
  RECEIPT_SALT_BYTES,
  requestDigest,
  type ReceiptTrailer,
  type RequestDigestHead,
  responseDigest,
  type ResponseDigestHead,
} from '@sotto/protocol/receipts'

/** As whom this enclave signs: fixed by its last release, certified and logged (T16). */
export interface ServingIdentity {
  genesis: Digest
  /** SHA-256 of the report the keys were released to. */
  evidence: Digest
  /** The newest witnessed tree it had seen then. */
  after: { size: number; root: Digest }
  signer: PreparedSigner
}

/** A receipt in the making: digests grow as bytes pass, so no body is held for it. */
export interface ReceiptDraft {
  /** Takes the content of the request, all of it. */
  request: BodyDigest
  /** Starts the digest of the response; call once. */
  startResponse(head: ResponseDigestHead): BodyDigest
  /** Value of the `sotto-receipt` trailer. Call once, after both bodies went by completely. */
  sign(model: Digest | undefined): string
}

/** `model` of a receipt when no model answered. */
const NO_MODEL = '0'.repeat(64)

/** Starts a receipt for one request that came under this key. `onSigned` is told of it before it leaves. */
export function draftReceipt(
  identity: ServingIdentity,
  key: { keyId: number; policy: Digest },
  head: RequestDigestHead,
  onSigned?: (receipt: ReceiptTrailer) => void,
): ReceiptDraft {
  const salt = crypto.randomBytes(RECEIPT_SALT_BYTES)
  const request = requestDigest(salt, head)
  let response: BodyDigest | undefined
  return {
    request,
    startResponse(responseHead) {
      response = responseDigest(salt, responseHead)
      return response
    },
    sign(model) {
      const receipt: InferenceReceipt = {
        version: 1,
        genesis: identity.genesis,
        request: request.digest(),
        response: response!.digest(),
        model: model ?? NO_MODEL,
        keyId: key.keyId,
        policy: key.policy,
        evidence: identity.evidence,
        after: identity.after,
      }
      const envelope = signDsse(PAYLOAD_TYPES.inferenceReceipt, encodeDocument(receipt), [identity.signer])
      const trailer = { envelope: fromUtf8(envelope), salt: toBase64Url(salt) }
      onSigned?.(trailer)
      return encodeReceiptTrailer(trailer)
    },
  }
}
