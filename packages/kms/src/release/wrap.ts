import { fromBase64Url, toBase64Url } from '@sotto/protocol/bytes'
import { HPKE_AEAD, HPKE_KDF, HPKE_KEM, HpkeSuite } from '@sotto/protocol/hpke'
import {
  type Digest,
  encodeDocument,
  type ReleasedKeys,
  releaseInfo,
  type ReleaseRequest,
  type UnixSeconds,
} from '@sotto/protocol/keyrelease'
import { kmsError } from '../errors.ts'
import type { KmsState } from '../state/index.ts'

const SUITE: HpkeSuite = new HpkeSuite(HPKE_KEM.X_WING, HPKE_KDF.HKDF_SHA256, HPKE_AEAD.AES_256_GCM)

/** Keys on their way to one workload: nobody else can open them. */
export interface WrappedKeys {
  enc: string
  wrapped: string
}

/** Identifiers of the current set whose private halves still exist. */
export function releasableKeyIds(state: KmsState, now: UnixSeconds): number[] {
  return state.epoch!.keyIds.filter((id) => (state.keys.get(id)?.destroyAt ?? -1) >= now)
}

/**
 * Wraps keys to the workload's own key, and to nothing else. The only way any key leaves the KMS.
 * @throws `KMS_REQUEST_MALFORMED` when the wrapping key is not an X-Wing public key
 */
export function wrapKeys(
  request: ReleaseRequest,
  keyIds: readonly number[],
  state: KmsState,
  context: { genesis: Digest; policy: Digest; evidence: Digest },
): WrappedKeys {
  const released: ReleasedKeys = {
    keys: keyIds.map((keyId) => ({ keyId, privateKey: toBase64Url(state.keys.get(keyId)!.privateKey) })),
    artifacts: request.artifacts.map((id) => ({
      id,
      contentKey: toBase64Url(state.artifacts.get(id)!.contentKey),
    })),
  }
  const plaintext = encodeDocument(released)
  try {
    const recipient = SUITE.kem.importPublic(fromBase64Url(request.binding.wrapKey))
    const { enc, context: sealer } = SUITE.setupSender(recipient, { info: releaseInfo(context) })
    return { enc: toBase64Url(enc), wrapped: toBase64Url(sealer.seal(new Uint8Array(), plaintext)) }
  } catch (cause) {
    throw kmsError('KMS_REQUEST_MALFORMED', 'the wrapping key is not an X-Wing public key', { cause })
  } finally {
    plaintext.fill(0)
  }
}
