import { type Sha2Name, publicCrypto } from '@sotto/protocol/crypto-backend'
import { tpmHash } from './algorithms.ts'
import { malformedTpm, tpmConstant } from './errors.ts'
import type { TpmReader } from './reader.ts'

/** HASH_COUNT: most banks that a list may select from; TPMs implement 2 to 5. */
const MAX_BANKS = 16
/** PCR_SELECT_MAX: bitmaps of Azure, of swtpm and of physical TPMs have 3 bytes, for 24 registers. */
const MAX_SELECT_BYTES = 4

/** One bank and the registers selected of it (TPMS_PCR_SELECTION, Part 2, Section 10.6.2). */
export interface PcrSelection {
  /** TPM_ALG_ID of the bank's hash. */
  hash: number
  /** Ascending. */
  indices: number[]
}

/**
 * Reads TPML_PCR_SELECTION (Part 2, Section 10.9.7). No bank may be listed twice: the digest of a quote
 * would then cover a register twice, and which value is meant would be anybody's choice.
 *
 * @throws `EVIDENCE_MALFORMED`, `BYTES_TRUNCATED`
 */
export function readPcrSelections(reader: TpmReader): PcrSelection[] {
  const count = reader.uint(4)
  if (count > MAX_BANKS)
    throw malformedTpm('too many PCR banks are selected', `at most ${MAX_BANKS}`, `${count}`)
  const selections: PcrSelection[] = []
  for (let i = 0; i < count; i++) {
    const hash = reader.uint(2)
    if (selections.some((other) => other.hash === hash))
      throw malformedTpm('a PCR bank is selected twice', undefined, tpmConstant(hash))
    const size = reader.uint(1)
    if (size > MAX_SELECT_BYTES)
      throw malformedTpm('the PCR bitmap is too long', `at most ${MAX_SELECT_BYTES} bytes`, `${size}`)
    selections.push({ hash, indices: setBits(reader.take(size)) })
  }
  return selections
}

/** What is quoted: one bank of an accepted hash. */
export interface QuotedBank {
  hash: Sha2Name
  /** Bytes of one register. */
  digestBytes: number
  indices: readonly number[]
}

/** The one bank that a selection is about; undefined where it is several, none, or one of a hash that is not accepted. */
export function quotedBank(selections: readonly PcrSelection[]): QuotedBank | undefined {
  const [only, ...more] = selections.filter(({ indices }) => indices.length > 0)
  const hash = only === undefined ? undefined : tpmHash(only.hash)
  if (only === undefined || hash === undefined || more.length > 0) return undefined
  return { hash: hash.name, digestBytes: hash.bytes, indices: only.indices }
}

/**
 * Digest of selected registers (Part 3, Section 18.4.1): their values in ascending order of the index,
 * hashed with the hash of the signing scheme, whatever the bank's own is.
 */
export function pcrDigest(hash: Sha2Name, values: readonly Uint8Array[]): Uint8Array {
  return publicCrypto.hash(hash, ...values)
}

function setBits(bitmap: Uint8Array): number[] {
  const indices: number[] = []
  for (const [byteIndex, byte] of bitmap.entries())
    for (let bit = 0; bit < 8; bit++) if ((byte >> bit) & 1) indices.push(8 * byteIndex + bit)
  return indices
}
