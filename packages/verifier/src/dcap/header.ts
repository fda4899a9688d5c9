import { verifierError } from '../errors.ts'

/**
 * Quotes of Intel's DCAP: "Intel SGX ECDSA Quote Library Reference" (version 3) and "Intel TDX DCAP Quoting
 * Library API", appendix A.3 (versions 4 and 5). Numbers are little-endian.
 */
export const HEADER_BYTES = 48
/** Largest quote: those in use have 5 kB, and up to 8 kB with the padding of their buffer. */
export const MAX_QUOTE_BYTES = 65_536

/** TEE Type. */
export const TEE = { SGX: 0, TDX: 0x81 } as const
/** Attestation Key Type: ECDSA P-256 with SHA-256. Type 3, P-384, is defined and never issued. */
export const ECDSA_P256 = 2
/** QE Vendor ID of Intel, the only vendor that there is. */
export const INTEL_QE_VENDOR = '939a7233f79c4ca9940a0db3957f0607'

/** Header of a quote. Authentic once the signature of the quote is. */
export interface QuoteHeader {
  version: 3 | 4 | 5
  attestationKeyType: number
  /** Reserved and zero in version 3, which is SGX. */
  teeType: number
  qeSvn: number
  pceSvn: number
  qeVendorId: Uint8Array
  /** Chosen by the quoting enclave. */
  userData: Uint8Array
}

/** @throws `EVIDENCE_MALFORMED` (fix-input) */
export function parseQuoteHeader(bytes: Uint8Array): QuoteHeader {
  if (bytes.length < HEADER_BYTES || bytes.length > MAX_QUOTE_BYTES)
    throw malformedQuote('length', `${HEADER_BYTES} to ${MAX_QUOTE_BYTES} bytes`, `${bytes.length}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const version = view.getUint16(0, true)
  if (version !== 3 && version !== 4 && version !== 5)
    throw malformedQuote('Version', '3, 4 or 5', `${version}`)
  const teeType = view.getUint32(4, true)
  if (teeType !== TEE.SGX && (teeType !== TEE.TDX || version === 3))
    throw malformedQuote('TEE Type', version === 3 ? '0' : '0 or 0x81', `0x${teeType.toString(16)}`)
  return {
    version,
    attestationKeyType: view.getUint16(2, true),
    teeType,
    qeSvn: view.getUint16(8, true),
    pceSvn: view.getUint16(10, true),
    qeVendorId: bytes.subarray(12, 28),
    userData: bytes.subarray(28, HEADER_BYTES),
  }
}

/** An error about the structure of a quote. */
export function malformedQuote(what: string, expected: string, found: string): Error {
  return verifierError('EVIDENCE_MALFORMED', `quote field ${what} is malformed`, { expected, found })
}

/** Whether every byte is 0. */
export function isZero(bytes: Uint8Array): boolean {
  let seen = 0
  for (const byte of bytes) seen |= byte
  return seen === 0
}
