import type { KeyReleasePolicy } from '@sotto/protocol/keyrelease'
import { type EvidencePolicy, parseEvidencePolicy } from '../appraisal/index.ts'
import { platformPolicy } from './platforms.ts'

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
  const platforms = policy.anyOf.map(({ role: _role, ...tuple }) => tuple)
  const parsed = parseEvidencePolicy(platformPolicy({ ...policy, platforms }))
  known.set(policy, parsed)
  return parsed
}
