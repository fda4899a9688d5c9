import type { KeyReleasePolicy, Role } from '@sotto/protocol/keyrelease'
import { type EvidencePolicy, parseEvidencePolicy } from '../appraisal/index.ts'
import { platformPolicy } from './platforms.ts'

/** Read once: a KMS judges every request by it. */
const known = new WeakMap<KeyReleasePolicy, EvidencePolicy>()

/**
 * What a key-release policy asks of evidence, whatever the role. Evidence is always compared with what it must be bound to, and the
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

/**
 * What it asks of evidence of one role: an enclave is admitted to keys by tuples of role inference and no other, a KMS
 * to a handover by those of role kms (T15). Without such a tuple it admits nothing.
 *
 * @throws `POLICY_MALFORMED` as {@link evidencePolicyOf}
 */
export function admissionPolicyOf(policy: KeyReleasePolicy, role: Role): EvidencePolicy {
  const ofRole = new Set(policy.anyOf.filter((tuple) => tuple.role === role).map(({ name }) => name))
  const whole = evidencePolicyOf(policy)
  return { ...whole, anyOf: whole.anyOf.filter(({ name }) => ofRole.has(name)) }
}
