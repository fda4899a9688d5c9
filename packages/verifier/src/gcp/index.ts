import type { Certificate } from '@sotto/protocol/x509'
import { assess, type EvidenceInput, type EvidenceVerdict } from '../family/index.ts'
import { acceptableChecks } from './acceptable-checks.ts'
import { authenticChecks } from './authentic-checks.ts'
import type { ConfidentialSpaceFacts } from './facts.ts'
import type { ConfidentialSpacePolicy } from './policy.ts'
import { confidentialSpaceVendorRoots } from './root.ts'

export {
  CONFIDENTIAL_HARDWARE,
  type ConfidentialSpacePolicy,
  confidentialSpacePolicyDecoder,
  SUPPORT_ATTRIBUTES,
} from './policy.ts'
export { type ConfidentialSpaceToken, parseConfidentialSpaceToken } from './token.ts'

/**
 * Verifies a token of Google Confidential Space. In its PKI form it stands alone: the chain is inside.
 * In the form of OpenID Connect it needs a key set as collateral that the caller vouches for (`trustKeySets`).
 * `expectedReportData` is compared with its nonces as UTF-8; 64 bytes fit as base64url (86 characters of
 * at most 88).
 *
 * @param options.roots other roots than that of Google, for tests
 */
export function verifyConfidentialSpace(
  input: EvidenceInput<ConfidentialSpacePolicy>,
  options: { roots?: readonly Certificate[] } = {},
): EvidenceVerdict {
  const policy = input.policy ?? {}
  const roots = options.roots ?? confidentialSpaceVendorRoots()
  const facts: ConfidentialSpaceFacts = { input, policy, roots, fields: {} }
  return assess(
    {
      family: 'gcp-confidential-space',
      authentic: authenticChecks,
      acceptable: acceptableChecks,
      trustedParties: [
        'Google (runs the machine and its virtual TPM, verifies it in your place, and signs its answer)',
        ...(input.trustKeySets === true
          ? ['whoever fetched the key set (must have had it from Google)']
          : []),
        'AMD or Intel (makes the processor)',
      ],
    },
    facts,
  )
}
