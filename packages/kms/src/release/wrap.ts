import { toBase64Url } from '@sotto/protocol/bytes'
import {
  type Digest,
  encodeDocument,
  type ReleasedKeys,
  releaseInfo,
  type ReleaseRequest,
  type UnixSeconds,
  type WrappedSecret,
  wrapSecret,
} from '@sotto/protocol/keyrelease'
import type { KmsState } from '../state/index.ts'

/** Identifiers of the current set whose private halves still exist. */
export function releasableKeyIds(state: KmsState, now: UnixSeconds): number[] {
  return state.epoch!.keyIds.filter((id) => (state.keys.get(id)?.destroyAt ?? -1) >= now)
}

/**
 * Wraps keys to the workload's own key, and to nothing else. The only way any key leaves the KMS.
 * @throws `WRAP_FAILED` when the wrapping key is not an X-Wing public key
 */
export function wrapKeys(
  request: ReleaseRequest,
  keyIds: readonly number[],
  state: KmsState,
  context: { genesis: Digest; policy: Digest; evidence: Digest },
): WrappedSecret {
  const released: ReleasedKeys = {
    keys: keyIds.map((keyId) => ({ keyId, privateKey: toBase64Url(state.keys.get(keyId)!.privateKey) })),
    artifacts: request.artifacts.map((id) => ({
      id,
      contentKey: toBase64Url(state.artifacts.get(id)!.contentKey),
    })),
  }
  const plaintext = encodeDocument(released)
  try {
    return wrapSecret(request.binding.wrapKey, releaseInfo(context), plaintext)
  } finally {
    plaintext.fill(0)
  }
}
