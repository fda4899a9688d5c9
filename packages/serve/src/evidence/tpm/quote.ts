import { concat, equalBytes, uint } from '@sotto/protocol/bytes'
import {
  parseQuote,
  parseRsaPublic,
  pcrDigest,
  type PcrSelection,
  readPcrSelections,
  readSignature,
  type RsaPublicArea,
  TPM_ALG,
} from '@sotto/verifier/tpm'
import { collectError } from '../errors.ts'
import { readAnswer } from './answer.ts'
import { sized } from './command.ts'
import type { Tpm } from './device.ts'

/** Registers of one bank, of which 0 to 7 are the firmware's and 8 to 15 the operating system's. */
const PCR_COUNT = 24
const SELECT_BYTES = PCR_COUNT / 8
/** TPM2B_DATA of the smallest TPMs here is as long as TPMT_HA of SHA-384. */
const MAX_NONCE_BYTES = 64
const MAX_ATTEST_BYTES = 1024
const SHA256_BYTES = 32
/** PCR_Read gives up to 8 values at once, and fewer as it likes. */
const MAX_READS = PCR_COUNT
/** A register can be extended between the two commands. */
const MAX_ATTEMPTS = 3

/** A quote and the registers it is about. */
export interface QuotedRegisters {
  /** TPMS_ATTEST. */
  message: Uint8Array
  /** RSASSA with SHA-256, without TPMT_SIGNATURE around it. */
  signature: Uint8Array
  /** All 24 registers of the SHA-256 bank. */
  pcrs: Uint8Array[]
}

/**
 * Has a TPM sign the 24 registers of its SHA-256 bank together with a nonce.
 *
 * @param key handle of a persistent attestation key
 * @param nonce 1 to 64 bytes; not every TPM takes more than 48
 * @throws `COLLECT_*`; `COLLECT_BUSY` when registers keep changing
 */
export async function quoteRegisters(tpm: Tpm, key: number, nonce: Uint8Array): Promise<QuotedRegisters> {
  if (nonce.length === 0 || nonce.length > MAX_NONCE_BYTES)
    throw collectError('COLLECT_INPUT', 'the nonce has another length', {
      expected: `1 to ${MAX_NONCE_BYTES} bytes`,
      found: `${nonce.length}`,
    })
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const { message, signature, digest } = await quote(tpm, key, nonce)
    const pcrs = await readPcrs(tpm)
    if (equalBytes(pcrDigest('sha256', pcrs), digest)) return { message, signature, pcrs }
  }
  throw collectError('COLLECT_BUSY', 'registers of the TPM keep changing', {
    expected: 'the ones that were quoted',
  })
}

/** Public area of a persistent key. @throws `COLLECT_*` */
export async function readPublicKey(tpm: Tpm, key: number): Promise<RsaPublicArea> {
  const answer = await tpm.run({ code: 'ReadPublic', handles: [key] })
  return readAnswer('ReadPublic', answer, (reader) => {
    const publicArea = reader.sized(1024, 'the public area')
    reader.sized(66, 'the name')
    reader.sized(66, 'the qualified name')
    return parseRsaPublic(publicArea)
  })
}

async function quote(
  tpm: Tpm,
  key: number,
  nonce: Uint8Array,
): Promise<{ message: Uint8Array; signature: Uint8Array; digest: Uint8Array }> {
  const parameters = concat(sized(nonce), uint(TPM_ALG.NULL, 2), encodeSelection(allRegisters()))
  const answer = await tpm.run({ code: 'Quote', handles: [key], isAuthorized: true, parameters })
  return readAnswer('Quote', answer, (reader) => {
    const message = reader.sized(MAX_ATTEST_BYTES, 'the quote')
    const { hash, signature } = readSignature(reader)
    const { extraData, pcrDigest: digest } = parseQuote(message)
    if (hash !== 'sha256' || !equalBytes(extraData, nonce))
      throw collectError('COLLECT_MALFORMED', 'the TPM quoted something else', {
        expected: 'our nonce, signed with SHA-256',
        found: hash,
      })
    return { message, signature, digest }
  })
}

async function readPcrs(tpm: Tpm): Promise<Uint8Array[]> {
  const values = new Map<number, Uint8Array>()
  for (let reads = 0; values.size < PCR_COUNT && reads < MAX_READS; reads++) {
    const missing = allRegisters().filter((index) => !values.has(index))
    const answer = await tpm.run({ code: 'PCR_Read', parameters: encodeSelection(missing) })
    const read = readAnswer('PCR_Read', answer, (reader) => {
      reader.uint(4)
      return pairUp(readPcrSelections(reader), readDigests(reader))
    })
    for (const [index, value] of read) if (missing.includes(index)) values.set(index, value)
  }
  if (values.size < PCR_COUNT)
    throw collectError('COLLECT_FAILED', 'the TPM does not tell its SHA-256 registers', {
      expected: `${PCR_COUNT}`,
      found: `${values.size}`,
      hint: 'allocate the SHA-256 bank (tpm2_pcrallocate) and restart',
    })
  return allRegisters().map((index) => values.get(index)!)
}

function readDigests(reader: Parameters<typeof readPcrSelections>[0]): Uint8Array[] {
  const count = reader.uint(4)
  if (count > 8)
    throw collectError('COLLECT_MALFORMED', 'more digests than a list holds', { found: `${count}` })
  return Array.from({ length: count }, () => reader.sized(SHA256_BYTES, 'a register'))
}

function pairUp(selections: readonly PcrSelection[], digests: readonly Uint8Array[]): [number, Uint8Array][] {
  const indices = selections.flatMap(({ hash, indices: bits }) => (hash === TPM_ALG.SHA256 ? bits : []))
  if (indices.length !== digests.length || digests.some(({ length }) => length !== SHA256_BYTES))
    throw collectError('COLLECT_MALFORMED', 'other registers came than were named', {
      expected: `${indices.length} of ${SHA256_BYTES} bytes`,
      found: `${digests.length}`,
    })
  return indices.map((index, position) => [index, digests[position]!])
}

/** TPML_PCR_SELECTION of one bank, SHA-256. */
function encodeSelection(indices: readonly number[]): Uint8Array {
  const bitmap = new Uint8Array(SELECT_BYTES)
  for (const index of indices) bitmap[index >> 3]! |= 1 << (index & 7)
  return concat(uint(1, 4), uint(TPM_ALG.SHA256, 2), uint(SELECT_BYTES, 1), bitmap)
}

function allRegisters(): number[] {
  return Array.from({ length: PCR_COUNT }, (_, index) => index)
}
