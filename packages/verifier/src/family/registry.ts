import type { Decoder } from '@sotto/protocol/jcs'
import { FAMILY_VERIFIERS } from '#family-verifiers'
import { verifierError } from '../errors.ts'
import type { EvidenceInput, EvidenceVerdict, Family } from './types.ts'

/**
 * Judges one piece of evidence by a policy of its own family as its owner wrote it; without one, strictly.
 * @throws `POLICY_MALFORMED` (fix-input); never for what evidence or collateral hold
 */
export function verifyFamily(family: Family, input: EvidenceInput<object>): EvidenceVerdict {
  const { decodePolicy, verify } = FAMILY_VERIFIERS[family]
  return verify({ ...input, policy: readPolicy(decodePolicy, input.policy ?? {}) })
}

function readPolicy(decodePolicy: Decoder<object>, policy: object): object {
  try {
    return decodePolicy(policy, 'policy')
  } catch (cause) {
    const { message, expected, found } = cause as { message: string; expected?: string; found?: string }
    throw verifierError('POLICY_MALFORMED', `the policy of this family is malformed: ${message}`, {
      ...(expected !== undefined && { expected }),
      ...(found !== undefined && { found }),
      cause,
    })
  }
}
