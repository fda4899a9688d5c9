import { boolean, type Decoder, hex, integer, label, list, oneOf, partial, text } from '@sotto/protocol/jcs'

/** Hardware that Azure Attestation vouches for and that keeps a secret from its operator. */
export const MAA_TEES = ['sgx', 'sevsnpvm', 'tdxvm'] as const

/** Value of `x-ms-attestation-type`. */
export type MaaTee = (typeof MAA_TEES)[number]

/**
 * What a token of Azure Attestation must say to be accepted. Everything may be left out, which allows
 * nothing that opens an enclave or a guest. Without measurements the verdict says nothing about which
 * program runs; without `issuers` and `signingKeys` it rests on where the key set was fetched.
 * Values are lower-case hexadecimal where nothing else is said.
 */
export interface AzureMaaPolicy {
  /** Accepted `iss`, whole URLs. Default any provider under attest.azure.net, those of other Azure customers too. */
  issuers?: readonly string[]
  /** Accepted signing keys, SHA-256 of their SubjectPublicKeyInfo. Default any of the given key set. */
  signingKeys?: readonly string[]
  /** True demands a signing key whose certificate carries an SGX quote about it. Default false. */
  requireSigningKeyQuote?: boolean
  /** Accepted hardware. Default all of {@link MAA_TEES}. */
  tees?: readonly MaaTee[]
  /** Default false. */
  allowDebug?: boolean
  /** Default false: a migration agent can move the secrets of an SNP guest to another machine. */
  allowMigration?: boolean
  /** Accepted privilege levels of an SNP guest. Default `[0]`. */
  vmpls?: readonly number[]
  /** Accepted `attester_tcb_status` where the token has it. Default `['UpToDate']`. */
  tcbStatuses?: readonly string[]
  /** Accepted `x-ms-compliance-status`. */
  complianceStatuses?: readonly string[]
  /** Accepted `x-ms-policy-hash`, base64url as the token has it. */
  policyHashes?: readonly string[]
  mrEnclaves?: readonly string[]
  mrSigners?: readonly string[]
  productIds?: readonly number[]
  /** Lowest `x-ms-sgx-svn`. */
  minimumSvn?: number
  /** `x-ms-sevsnpvm-launchmeasurement`, 48 bytes. */
  launchMeasurements?: readonly string[]
  /** `x-ms-sevsnpvm-hostdata`, 32 bytes. */
  hostData?: readonly string[]
  /** `tdx_mrtd`, 48 bytes. */
  mrTds?: readonly string[]
  /** Accepted `nonce`, text: of the token, or of the payload that the client had attested with it. */
  nonces?: readonly string[]
  /** Accepted `user-data` of the runtime claims of a VM, 64 bytes. */
  userData?: readonly string[]
  /** Oldest accepted token, since `iat`. Default as long as it says itself, 8 hours. */
  maxAgeSeconds?: number
  /** How far the clocks of Microsoft and of the verifier may be apart. Default 0. */
  clockSkewSeconds?: number
}

const MAX_ENTRIES = 4096

/** Reads a policy that a person wrote. @throws `JCS_FIELD` (fix-input), for unknown members too */
export const azureMaaPolicyDecoder: Decoder<AzureMaaPolicy> = partial<AzureMaaPolicy>({
  issuers: entries(text(256, /^https:\/\/[a-z0-9.-]+$/)),
  signingKeys: entries(hex(32)),
  requireSigningKeyQuote: boolean(),
  tees: entries(oneOf(...MAA_TEES)),
  allowDebug: boolean(),
  allowMigration: boolean(),
  vmpls: entries(integer(0, 3)),
  tcbStatuses: entries(label(64)),
  complianceStatuses: entries(label(64)),
  policyHashes: entries(text(64, /^[A-Za-z0-9_-]+$/)),
  mrEnclaves: entries(hex(32)),
  mrSigners: entries(hex(32)),
  productIds: entries(integer(0, 0xffff)),
  minimumSvn: integer(0, 0xffff),
  launchMeasurements: entries(hex(48)),
  hostData: entries(hex(32)),
  mrTds: entries(hex(48)),
  nonces: entries(label(1024)),
  userData: entries(hex(64)),
  maxAgeSeconds: integer(1, 86_400),
  clockSkewSeconds: integer(0, 300),
})

/** An allow-list names something: an empty one is a mistake, not "anything". */
function entries<T>(item: Decoder<T>): Decoder<T[]> {
  return list(item, 1, MAX_ENTRIES)
}
