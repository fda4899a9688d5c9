import { assess, type EvidenceInput, type EvidenceVerdict } from '../family/index.ts'
import { acceptableChecks } from './acceptable-checks.ts'
import { authenticChecks } from './authentic-checks.ts'
import type { MaaFacts } from './facts.ts'
import type { AzureMaaPolicy } from './policy.ts'

export { azureMaaPolicyDecoder, MAA_TEES, type AzureMaaPolicy, type MaaTee } from './policy.ts'
export { readSigningKeyQuote, type SigningKeyQuote } from './signing-key.ts'
export { parseMaaToken, type MaaToken, type TeeClaims } from './token.ts'

/**
 * Verifies a token of Microsoft Azure Attestation. The one piece of collateral is the key set of the
 * issuer (`https://<provider>/certs`), in which its keys stand in self-signed certificates: fetch it
 * from the issuer yourself, or name its keys in the policy, for whoever hands it in decides what
 * verifies. `expectedReportData` is compared with the 64 bytes of report data of the hardware.
 */
export function verifyAzureMaa(input: EvidenceInput<AzureMaaPolicy>): EvidenceVerdict {
  const policy = input.policy ?? {}
  const facts: MaaFacts = { input, policy, fields: {} }
  return assess(
    {
      family: 'azure-maa',
      authentic: authenticChecks,
      acceptable: acceptableChecks,
      trustedParties: [
        'Microsoft (verifies the hardware in your place and signs its answer)',
        policy.signingKeys
          ? 'the author of the policy (names the keys of Microsoft)'
          : 'whoever fetched the key set (must have had it from the issuer)',
        'AMD or Intel (makes the processor)',
      ],
    },
    facts,
  )
}
