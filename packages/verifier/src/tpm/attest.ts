import { malformedTpm, tpmConstant } from './errors.ts'
import { type PcrSelection, readPcrSelections } from './pcr.ts'
import { TpmReader } from './reader.ts'

/** TPM_GENERATED_VALUE: a TPM signs no bytes from outside that begin with it, so that nobody can have a quote forged by it. */
const TPM_GENERATED = 0xff544347
/** TPM_ST_ATTEST_QUOTE. */
const ATTEST_QUOTE = 0x8018
/** TPM2B_NAME: an algorithm and a digest, or a handle. */
const MAX_NAME_BYTES = 66
/** TPM2B_DATA: as long as TPMT_HA of the largest hash. */
const MAX_EXTRA_DATA_BYTES = 66
const MAX_DIGEST_BYTES = 64

/** TPMS_ATTEST of a quote (Part 2, Section 10.12.8), in the specification's names. Signed by nobody yet. */
export interface Quote {
  /** Name of the signing key in its hierarchy. */
  qualifiedSigner: Uint8Array
  /** What the requester gave: the nonce. */
  extraData: Uint8Array
  clockInfo: {
    /** Milliseconds that the TPM has been powered. */
    clock: bigint
    resetCount: number
    restartCount: number
    /** Whether `clock` cannot have been reported before. */
    safe: boolean
  }
  firmwareVersion: bigint
  pcrSelect: PcrSelection[]
  pcrDigest: Uint8Array
  /** What the signature covers: all of it. */
  signed: Uint8Array
}

/**
 * Reads a quote. Every other structure that the same key signs (certifications, time, audit) is refused,
 * as is everything that a TPM did not make itself.
 *
 * @throws `EVIDENCE_MALFORMED`, `BYTES_TRUNCATED`, `BYTES_TRAILING`
 */
export function parseQuote(bytes: Uint8Array): Quote {
  const reader = new TpmReader(bytes)
  requireConstant('magic', reader.uint(4), TPM_GENERATED, 4)
  requireConstant('type of the attestation', reader.uint(2), ATTEST_QUOTE, 2)
  const qualifiedSigner = reader.sized(MAX_NAME_BYTES, 'the name of the signer')
  const extraData = reader.sized(MAX_EXTRA_DATA_BYTES, 'extraData')
  const clock = reader.uint64()
  const resetCount = reader.uint(4)
  const restartCount = reader.uint(4)
  const safe = reader.uint(1)
  if (safe > 1) throw malformedTpm('clockInfo.safe is no TPMI_YES_NO', '0 or 1', `${safe}`)
  const firmwareVersion = reader.uint64()
  const pcrSelect = readPcrSelections(reader)
  const pcrDigest = reader.sized(MAX_DIGEST_BYTES, 'the PCR digest')
  reader.end()
  return {
    qualifiedSigner,
    extraData,
    clockInfo: { clock, resetCount, restartCount, safe: safe === 1 },
    firmwareVersion,
    pcrSelect,
    pcrDigest,
    signed: bytes,
  }
}

function requireConstant(what: string, found: number, expected: number, bytes: 2 | 4): void {
  if (found !== expected)
    throw malformedTpm(`${what} is another`, tpmConstant(expected, bytes), tpmConstant(found, bytes))
}
