import { base64url, integer, label, list, object, refine, type Decoder } from '../jcs/index.ts'
import { MAX_GRACE_SECONDS, MAX_KEY_LIFETIME_SECONDS } from './consistency.ts'
import type { Ed25519Key, Member, MemberKey, RotationPolicy } from './types.ts'

/** Ballots of all of them fit into one log entry beside the largest proposal. */
export const MAX_MEMBERS = 16

/** Structure only: that it is a point of its curve shows when it verifies something. */
const memberKey: Decoder<MemberKey> = refine(base64url(32, 65), (key) =>
  isMemberKey(key) ? undefined : 'it is neither an Ed25519 nor an uncompressed P-256 key',
)

/** 32 bytes, or 65 of which the first is 4. */
function isMemberKey(key: string): boolean {
  return key.length === 43 || (key.length === 87 && /^B[A-P]/.test(key))
}

/** Who decides: 1 to 16. */
export const membersDecoder: Decoder<Member[]> = list(
  object({ name: label(64), key: memberKey }),
  1,
  MAX_MEMBERS,
)
/** Keys that vouch for releases: 1 to 16. */
export const releaseKeysDecoder: Decoder<Ed25519Key[]> = list(base64url(32), 1, 16)

/** Lives of keys. */
export const rotationPolicyDecoder: Decoder<RotationPolicy> = refine(
  object({
    rotationSeconds: integer(10, MAX_KEY_LIFETIME_SECONDS),
    overlapSeconds: integer(1, MAX_KEY_LIFETIME_SECONDS / 2),
    graceSeconds: integer(1, MAX_GRACE_SECONDS),
  }),
  ({ rotationSeconds, overlapSeconds }) =>
    overlapSeconds > rotationSeconds / 2 ? 'keys overlap for more than half of their lives' : undefined,
)
