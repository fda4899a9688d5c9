import { boolean, type Decoder, hex, integer, list, partial } from '@sotto/protocol/jcs'

/** Registers by index in decimals, each with its accepted values. */
export type PcrPolicy = Readonly<Record<string, readonly string[]>>

/**
 * What an attestation document must say to be accepted. Everything may be left out, which allows no
 * debugging; without `pcrs` the verdict says nothing about which program runs. Bytes are lower-case
 * hexadecimal.
 */
export interface NitroPolicy {
  /** Default false: the console of an enclave in debug mode is open to the instance, and its PCRs are zero. */
  allowDebug?: boolean
  /**
   * Accepted values of registers 0 to 31, 48 bytes: 0 image, 1 kernel and boot ramfs, 2 application,
   * 3 IAM role of the instance, 4 instance, 8 signing certificate. A register that is named must be there.
   */
  pcrs?: PcrPolicy
  /** Accepted values of what the program inside had attested. */
  userData?: readonly string[]
  nonces?: readonly string[]
  publicKeys?: readonly string[]
  /** Oldest accepted document, by its own timestamp. Default as long as its certificates are valid, 3 hours. */
  maxAgeSeconds?: number
}

const MAX_ENTRIES = 4096
const pcr = list(hex(48), 1, MAX_ENTRIES)
const indices = Array.from({ length: 32 }, (_, index) => [`${index}`, pcr] as const)

/** Reads a policy that a person wrote. @throws `JCS_FIELD` (fix-input), for unknown members too */
export const nitroPolicyDecoder: Decoder<NitroPolicy> = partial<NitroPolicy>({
  allowDebug: boolean(),
  pcrs: partial<Record<string, readonly string[]>>(Object.fromEntries(indices)) as Decoder<PcrPolicy>,
  userData: list(hexUpTo(512), 1, MAX_ENTRIES),
  nonces: list(hexUpTo(512), 1, MAX_ENTRIES),
  publicKeys: list(hexUpTo(1024), 1, MAX_ENTRIES),
  maxAgeSeconds: integer(1, 86_400),
})

/** Hexadecimal of 1 to `bytes` bytes: an empty value binds nothing. */
function hexUpTo(bytes: number): Decoder<string> {
  return (value, path) =>
    hex(typeof value === 'string' ? Math.min(Math.max(value.length >> 1, 1), bytes) : bytes)(value, path)
}
