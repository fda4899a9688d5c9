import type { KeyReleasePolicy } from '@sotto/protocol/keyrelease'
import { type EvidencePolicy, parseEvidencePolicy } from '../appraisal/index.ts'

/** Read once: a KMS judges every request by it. */
const known = new WeakMap<KeyReleasePolicy, EvidencePolicy>()

/**
 * What a key-release policy asks of evidence. Evidence is always compared with what it must be bound to, and the
 * age of that counts beside what the evidence states of itself (T6).
 *
 * @throws `POLICY_MALFORMED` (fix-input) when a component is not what its family reads
 */
export function evidencePolicyOf(policy: KeyReleasePolicy): EvidencePolicy {
  const found = known.get(policy)
  if (found !== undefined) return found
  const { anyOf, evidenceMaxAgeSeconds, collateralMaxAgeSeconds, revocationMaxAgeSeconds } = policy
  const parsed = parseEvidencePolicy({
    version: 1,
    name: 'key release',
    anyOf: anyOf.map(({ role: _role, ...tuple }) => tuple),
    freshness: 'nonce',
    evidenceMaxAgeSeconds,
    ...(collateralMaxAgeSeconds !== undefined && { collateralMaxAgeSeconds }),
    ...(revocationMaxAgeSeconds !== undefined && { revocationMaxAgeSeconds }),
  })
  known.set(policy, parsed)
  return parsed
}
