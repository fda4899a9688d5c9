import { concat, uint } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { type FakeRsaKey, fakeRsaKey } from './rsa.ts'

/** What a quote says where that is not the truth. */
export interface FakeQuoteOptions {
  magic?: number
  type?: number
  /** Registers by index; default all 24. */
  indices?: readonly number[]
  /** TPM_ALG_ID of the bank. Default SHA-256. */
  bank?: number
  pcrDigest?: Uint8Array
  /** Replaces TPML_PCR_SELECTION as a whole. */
  selection?: Uint8Array
  /** Changes TPMS_ATTEST before it is signed. */
  change?: (message: Uint8Array) => Uint8Array
  signWith?: FakeRsaKey
}

/** A quote with the registers it is about. */
export interface FakeQuote {
  message: Uint8Array
  signature: Uint8Array
  pcrs: Uint8Array[]
}

/** A virtual TPM without its machine. */
export interface FakeVtpm {
  key: FakeRsaKey
  /** 24 registers of 32 bytes. */
  pcrs: Uint8Array[]
  quote(nonce: Uint8Array, options?: FakeQuoteOptions): FakeQuote
}

const SHA256 = 0x000b
const ALL = Array.from({ length: 24 }, (_, index) => index)

/** Makes a virtual TPM with an attestation key of its own; takes some 100 ms. */
export function fakeVtpm(key: FakeRsaKey = fakeRsaKey()): FakeVtpm {
  const pcrs = ALL.map((index) => crypto.sha256(Uint8Array.of(index)))
  return {
    key,
    pcrs,
    quote(nonce, options = {}) {
      const values = (options.indices ?? ALL).map((index) => pcrs[index]!)
      const attest = attestBytes(nonce, values, options)
      const message = options.change?.(attest) ?? attest
      return { message, signature: (options.signWith ?? key).sign(message), pcrs: values }
    },
  }
}

/** TPML_PCR_SELECTION of one bank with a bitmap of 3 bytes. */
export function fakeSelection(indices: readonly number[], bank: number = SHA256): Uint8Array {
  const bitmap = new Uint8Array(3)
  for (const index of indices) bitmap[index >> 3]! |= 1 << (index & 7)
  return concat(uint(1, 4), uint(bank, 2), uint(3, 1), bitmap)
}

function attestBytes(
  nonce: Uint8Array,
  values: readonly Uint8Array[],
  options: FakeQuoteOptions,
): Uint8Array {
  const {
    magic = 0xff544347,
    type = 0x8018,
    indices = ALL,
    bank,
    pcrDigest = crypto.sha256(...values),
  } = options
  return concat(
    uint(magic, 4),
    uint(type, 2),
    sized(concat(uint(SHA256, 2), crypto.sha256(Uint8Array.of(1)))),
    sized(nonce),
    // clockInfo: clock, resetCount, restartCount, safe.
    uint(123_456, 6),
    uint(0, 2),
    uint(2, 4),
    uint(1, 4),
    uint(1, 1),
    uint(0x20200312, 4),
    uint(0x00120003, 4),
    options.selection ?? fakeSelection(indices, bank),
    sized(pcrDigest),
  )
}

function sized(bytes: Uint8Array): Uint8Array {
  return concat(uint(bytes.length, 2), bytes)
}
