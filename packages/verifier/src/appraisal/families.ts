import type { Decoder } from '@sotto/protocol/jcs'
import { FAMILY_VERIFIERS } from '#family-verifiers'
import type { EvidenceInput, FieldObject } from '../family/index.ts'
import { BINDINGS, type FamilyBinding } from './bindings.ts'
import type { Members } from './meaning.ts'
import { AZURE_CVM_MEANINGS } from './meanings/azure-cvm.ts'
import { AZURE_MAA_MEANINGS } from './meanings/azure-maa.ts'
import { GCP_MEANINGS } from './meanings/gcp.ts'
import { NITRO_MEANINGS } from './meanings/nitro.ts'
import { NVIDIA_MEANINGS } from './meanings/nvidia.ts'
import { SGX_MEANINGS } from './meanings/sgx.ts'
import { SNP_MEANINGS } from './meanings/snp.ts'
import { SOFTWARE_MEANINGS } from './meanings/software.ts'
import { TDX_MEANINGS } from './meanings/tdx.ts'
import { softwarePolicyDecoder, verifySoftware } from './software-family.ts'
import type { JsonObject, PolicyFamily } from './types.ts'
import type { PieceVerdict } from './verdict.ts'

/** Everything that policies, their lint and their explanations need to know about one kind of evidence. */
export interface FamilyEntry {
  family: PolicyFamily
  /** What people call it. */
  title: string
  /** Reads the family's own policy, without windows. @throws `JCS_FIELD` */
  decodePolicy: Decoder<object>
  /** Judges evidence by a policy that `decodePolicy` read. Never throws for what evidence or collateral hold. */
  verify(input: EvidenceInput<object>): PieceVerdict
  /** What each member of the policy means, for lint, diff, explanations and windows. */
  members: Members
  binding: FamilyBinding
  /** Whom one trusts by accepting it, at the least (T8); a verdict names all of them. */
  trustedParties: readonly string[]
  /** When it was made, Unix seconds, where the evidence says so under its signature. */
  signedAt?(fields: FieldObject): number | undefined
  /**
   * The GPUs that one piece of evidence is about, each by everything that tells it from every other one and that
   * the evidence proves: one that is not told apart may have been counted before. Undefined for what is about no device.
   */
  devicesOf?(fields: FieldObject): readonly (readonly string[])[] | undefined
  /** What each of these GPUs runs, in the same order; null where the evidence does not say. */
  firmwaresOf?(fields: FieldObject): readonly (string | null)[]
  /** Kinds of pieces with a date that come from the vendor beside the evidence. */
  endorsements?: readonly ('collateral' | 'revocation')[]
  /** The policy, made to demand revocation information. */
  demandRevocation?(policy: JsonObject): JsonObject
}

/** Families by name. */
export type Families = ReadonlyMap<PolicyFamily, FamilyEntry>

const INTEL = 'certifies the platform, says which are current)'

const ENTRIES: readonly Omit<FamilyEntry, 'binding'>[] = [
  {
    family: 'sev-snp',
    title: 'AMD SEV-SNP',
    ...FAMILY_VERIFIERS['sev-snp'],
    members: SNP_MEANINGS,
    trustedParties: ['AMD (signs the report)'],
    endorsements: ['revocation'],
    demandRevocation: (policy) => ({ ...policy, requireRevocation: true }),
  },
  {
    family: 'tdx',
    title: 'Intel TDX',
    ...FAMILY_VERIFIERS['tdx'],
    members: TDX_MEANINGS,
    trustedParties: [`Intel (makes the processor and the TDX module, ${INTEL}`],
    endorsements: ['collateral', 'revocation'],
  },
  {
    family: 'sgx',
    title: 'Intel SGX',
    ...FAMILY_VERIFIERS['sgx'],
    members: SGX_MEANINGS,
    trustedParties: [`Intel (makes the processor, ${INTEL}`],
    endorsements: ['collateral', 'revocation'],
  },
  {
    family: 'nitro',
    title: 'AWS Nitro Enclaves',
    ...FAMILY_VERIFIERS['nitro'],
    members: NITRO_MEANINGS,
    trustedParties: ['Amazon Web Services (makes the machine and its hypervisor, runs both, and signs)'],
    signedAt: ({ timestamp }) => secondsOf(timestamp),
  },
  {
    family: 'nvidia',
    title: 'NVIDIA GPU',
    ...FAMILY_VERIFIERS['nvidia'],
    members: NVIDIA_MEANINGS,
    trustedParties: ['NVIDIA (makes and certifies the device, signs its reference values)'],
    devicesOf: ({ gpu_ids: ids }) => ids as readonly (readonly string[])[] | undefined,
    firmwaresOf: ({ gpu_firmwares: firmwares }) => firmwares as readonly (string | null)[],
    endorsements: ['revocation'],
    demandRevocation: (policy) => ({ ...policy, requireOcsp: true }),
  },
  {
    family: 'azure-cvm',
    title: 'Azure confidential VM',
    ...FAMILY_VERIFIERS['azure-cvm'],
    members: AZURE_CVM_MEANINGS,
    trustedParties: [
      'AMD or Intel (signs what the hardware reports)',
      'Microsoft (its paravisor runs inside and keeps the key of the virtual TPM)',
    ],
    endorsements: ['revocation'],
    demandRevocation: (policy) => ({
      ...policy,
      snp: { ...(policy['snp'] as JsonObject), requireRevocation: true },
    }),
  },
  {
    family: 'azure-maa',
    title: 'Azure Attestation',
    ...FAMILY_VERIFIERS['azure-maa'],
    members: AZURE_MAA_MEANINGS,
    trustedParties: [
      'Microsoft (verifies the hardware in your place and signs its answer)',
      'AMD or Intel (makes the processor)',
    ],
    signedAt: ({ iat }) => secondsOf(iat),
  },
  {
    family: 'gcp-confidential-space',
    title: 'Google Confidential Space',
    ...FAMILY_VERIFIERS['gcp-confidential-space'],
    members: GCP_MEANINGS,
    trustedParties: [
      'Google (runs the machine and its virtual TPM, verifies it in your place, and signs its answer)',
      'AMD or Intel (makes the processor)',
    ],
    signedAt: ({ iat }) => secondsOf(iat),
  },
  {
    family: 'software',
    title: 'software TEE',
    decodePolicy: softwarePolicyDecoder,
    verify: (input) => verifySoftware(input as Parameters<typeof verifySoftware>[0]),
    members: SOFTWARE_MEANINGS,
    trustedParties: ['the owner of the machine (software TEE)'],
  },
]

/** Every kind of evidence that a policy may ask for. */
export const FAMILY_REGISTRY: Families = /* @__PURE__ */ new Map(
  ENTRIES.map((entry) => [entry.family, { ...entry, binding: BINDINGS[entry.family] }]),
)

/** Unix seconds of a time in a field: RFC 3339 text, or seconds as a token has them. */
function secondsOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  const milliseconds = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isNaN(milliseconds) ? undefined : Math.floor(milliseconds / 1000)
}
