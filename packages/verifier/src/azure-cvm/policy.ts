import { boolean, type Decoder, hex, list, partial, text } from '@sotto/protocol/jcs'
import { type SevSnpPolicy, sevSnpPolicyDecoder } from '../snp/index.ts'
import { type TdxPolicy, tdxPolicyDecoder } from '../tdx/index.ts'

/** Registers of one bank (PC Client Platform TPM Profile). */
const PCR_COUNT = 24
const MAX_ENTRIES = 4096
const UUID = /^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$/
/** Digests of SHA-256, SHA-384 and SHA-512. */
const PCR_VALUE = /^(?:[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})$/

/**
 * What an Azure confidential VM must say to be accepted. Everything may be left out, which allows nothing
 * that weakens a guest. The measurement of the hardware report covers firmware and paravisor only; without
 * `pcrs` the verdict says nothing about which system and program run, and without a measurement, ID key, MRTD
 * or certificate of the attestation key nothing says that Microsoft's paravisor runs at all (`namesParavisor`).
 */
export interface AzureCvmPolicy {
  /** Of the report inside, for SEV-SNP. */
  snp?: SevSnpPolicy
  /** Of the quote inside, for TDX. Here `allowSeptVe` is true by default. */
  tdx?: TdxPolicy
  /**
   * Accepted values of registers 0 to 23, lower-case hexadecimal of the length of the quoted bank. A
   * register that is named must be quoted. They count only where the paravisor is proven.
   */
  pcrs?: Readonly<Record<string, readonly string[]>>
  /** Default false: without it the host chooses which boot loader runs, as far as `pcrs` lets it. */
  allowSecureBootOff?: boolean
  /** Default false: an interactive serial console lets the host log in. */
  allowInteractiveConsole?: boolean
  /** True refuses a console that only shows output, too. Azure enables it on every virtual machine. Default false. */
  requireConsoleOff?: boolean
  /** Accepted `vmUniqueId`; case does not matter. */
  vmUniqueIds?: readonly string[]
  /** Accepted `user-data` of the runtime data, 64 bytes. */
  userData?: readonly string[]
  /**
   * True demands a hardware report made for the same request: its user data is the nonce of the quote.
   * Default false: evidence of version 2 must have one, earlier evidence has the report of the last boot.
   */
  requireFreshReport?: boolean
  /**
   * True demands a certificate of the attestation key that leads to Microsoft's root for virtual TPMs, of a
   * confidential machine. Default false: the hardware report vouches for the key.
   */
  requireAkCertificate?: boolean
}

const pcrs = partial<Record<string, readonly string[]>>(
  Object.fromEntries(
    Array.from({ length: PCR_COUNT }, (_, index) => [`${index}`, list(text(128, PCR_VALUE), 1, MAX_ENTRIES)]),
  ),
)

/** Reads a policy that a person wrote. @throws `JCS_FIELD` (fix-input), for unknown members too */
export const azureCvmPolicyDecoder: Decoder<AzureCvmPolicy> = partial<AzureCvmPolicy>({
  snp: sevSnpPolicyDecoder,
  tdx: tdxPolicyDecoder,
  pcrs,
  allowSecureBootOff: boolean(),
  allowInteractiveConsole: boolean(),
  requireConsoleOff: boolean(),
  vmUniqueIds: list(text(36, UUID), 1, MAX_ENTRIES),
  userData: list(hex(64), 1, MAX_ENTRIES),
  requireFreshReport: boolean(),
  requireAkCertificate: boolean(),
})
