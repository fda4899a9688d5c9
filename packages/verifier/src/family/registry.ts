import type { Decoder } from '@sotto/protocol/jcs'
import { azureCvmPolicyDecoder, verifyAzureCvm } from '../azure-cvm/index.ts'
import { verifierError } from '../errors.ts'
import { confidentialSpacePolicyDecoder, verifyConfidentialSpace } from '../gcp/index.ts'
import { azureMaaPolicyDecoder, verifyAzureMaa } from '../maa/index.ts'
import { nitroPolicyDecoder, verifyNitro } from '../nitro/index.ts'
import { nvidiaPolicyDecoder, verifyNvidia } from '../nvidia/index.ts'
import { sgxPolicyDecoder, verifySgx } from '../sgx/index.ts'
import { sevSnpPolicyDecoder, verifySevSnp } from '../snp/index.ts'
import { tdxPolicyDecoder, verifyTdx } from '../tdx/index.ts'
import type { EvidenceInput, EvidenceVerdict, Family } from './types.ts'

/** How one kind of evidence is judged. */
export interface FamilyVerifier {
  /** Reads the family's own policy. @throws `JCS_FIELD` */
  decodePolicy: Decoder<object>
  /**
   * Judges evidence by a policy that `decodePolicy` read. Never throws for what evidence or collateral hold.
   * (Written as a method: each entry keeps the type of its own policy.)
   */
  verify(input: EvidenceInput<object>): EvidenceVerdict
}

/** Every kind of evidence that this version verifies, under the pinned roots of the vendors. */
export const FAMILY_VERIFIERS: Readonly<Record<Family, FamilyVerifier>> = {
  'sev-snp': { decodePolicy: sevSnpPolicyDecoder, verify: (input) => verifySevSnp(input) },
  tdx: { decodePolicy: tdxPolicyDecoder, verify: (input) => verifyTdx(input) },
  sgx: { decodePolicy: sgxPolicyDecoder, verify: (input) => verifySgx(input) },
  nitro: { decodePolicy: nitroPolicyDecoder, verify: (input) => verifyNitro(input) },
  nvidia: { decodePolicy: nvidiaPolicyDecoder, verify: (input) => verifyNvidia(input) },
  'azure-cvm': { decodePolicy: azureCvmPolicyDecoder, verify: (input) => verifyAzureCvm(input) },
  'azure-maa': { decodePolicy: azureMaaPolicyDecoder, verify: (input) => verifyAzureMaa(input) },
  'gcp-confidential-space': {
    decodePolicy: confidentialSpacePolicyDecoder,
    verify: (input) => verifyConfidentialSpace(input),
  },
}

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
