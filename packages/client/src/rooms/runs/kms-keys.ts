import { fromBase64Url } from '@sotto/protocol/bytes'
import { parseTrustBundle } from '@sotto/protocol/evidence'
import { cosignatureTime, parseNote, parseVerifierKey } from '@sotto/protocol/note'
import type { RunView } from '@sotto/protocol/room'
import { type TrustedService, type TrustPolicy, verifyTrustBundle } from '@sotto/verifier'

/**
 * Statement keys that may have signed about a run: of the KMS as it is now, and of earlier boots whose trust bundles came
 * with the run and pass the same policy, at the time at which witnesses saw them. A boot's key is in its memory alone, and
 * gone with it.
 * @param view from anybody: a bundle that does not pass brings no key
 */
export function kmsKeys(
  { bundles = [] }: Pick<RunView, 'bundles'>,
  { signingKey }: Pick<TrustedService, 'signingKey'>,
  policy: TrustPolicy,
): Uint8Array[] {
  return [signingKey, ...bundles.flatMap((bundle) => keyIn(bundle, policy) ?? [])]
}

function keyIn(bundle: string, policy: TrustPolicy): Uint8Array | undefined {
  try {
    const parsed = parseTrustBundle(fromBase64Url(bundle))
    const note = parseNote(parsed.checkpoint)
    const times = policy.witnesses.keys.map(({ key }) => cosignatureTime(note, parseVerifierKey(key)) ?? 0)
    return verifyTrustBundle(parsed, policy, { now: Math.max(...times) }).service?.signingKey
  } catch {
    return undefined
  }
}
