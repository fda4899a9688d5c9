import { toHex } from '../bytes/index.ts'
import { areDistinct } from '../jcs/index.ts'
import { parseVerifierKey, type NoteKeyType } from '../note/index.ts'
import type { Genesis, KeySet, ReleasedKeys, ReleaseReceipt } from './types.ts'

/** Number of the first key set of a genesis. */
export const FIRST_EPOCH = 1
/** {@link KeySet.previous} of the first key set. */
export const NO_PREVIOUS_KEY_SET: string = '0'.repeat(64)
/** Longest life of a request key, from `notBefore` to `notAfter` (T4). */
export const MAX_KEY_LIFETIME_SECONDS = 86_400
/** "Short" grace after it (T4). */
export const MAX_GRACE_SECONDS = 3600

/** Says what contradicts itself in a genesis, or nothing. Keys that stand twice would count twice. */
export function findGenesisContradiction({
  members,
  threshold,
  releaseKeys,
  log,
  witnesses,
}: Genesis): string | undefined {
  if (!areDistinct(members.map(({ key }) => key))) return 'a member key stands twice'
  if (!areDistinct(members.map(({ name }) => name))) return 'a member name stands twice'
  if (threshold > members.length) return 'threshold is larger than the number of members'
  if (!areDistinct(releaseKeys)) return 'a release key stands twice'
  if (noteKey(log.key, 'ed25519') === undefined) return 'the log key is not a verifier key of a log'
  const witnessKeys = witnesses.keys.map((key) => noteKey(key, 'cosignature-v1'))
  if (witnessKeys.includes(undefined)) return 'a witness key is not a verifier key of a witness'
  if (!areDistinct(witnessKeys as string[])) return 'a witness key stands twice'
  if (witnesses.quorum > witnessKeys.length) return 'quorum is larger than the number of witnesses'
  return undefined
}

/** Says what contradicts itself in a key set, or nothing. */
export function findKeySetContradiction({ epoch, previous, keys }: KeySet): string | undefined {
  if (!areDistinct(keys.map(({ keyId }) => keyId))) return 'a key identifier stands twice'
  if ((epoch === FIRST_EPOCH) !== (previous === NO_PREVIOUS_KEY_SET))
    return 'the first set, and no other, has no previous one'
  for (const { keyId, notBefore, notAfter } of keys) {
    if (notAfter <= notBefore) return `key ${keyId} is never valid`
    if (notAfter - notBefore > MAX_KEY_LIFETIME_SECONDS) return `key ${keyId} lives longer than a day`
  }
  return undefined
}

/** Says what contradicts itself in a release receipt, or nothing. */
export function findReceiptContradiction({
  keyIds,
  artifacts = [],
  issuedAt,
  notAfter,
}: ReleaseReceipt): string | undefined {
  if (!areDistinct(artifacts.map(({ id }) => id))) return 'an artifact stands twice'
  if (!areDistinct(keyIds)) return 'a key identifier stands twice'
  return notAfter < issuedAt ? 'it ends before it begins' : undefined
}

/** Says what contradicts itself in released keys, or nothing. */
export function findReleasedContradiction({ keys, artifacts }: ReleasedKeys): string | undefined {
  if (!areDistinct(keys.map(({ keyId }) => keyId))) return 'a key identifier stands twice'
  return areDistinct(artifacts.map(({ id }) => id)) ? undefined : 'an artifact stands twice'
}

/** Public key of verifier key text, if it is one of this type. */
function noteKey(text: string, type: NoteKeyType): string | undefined {
  try {
    const key = parseVerifierKey(text)
    return key.type === type ? toHex(key.publicKey) : undefined
  } catch {
    return undefined
  }
}
