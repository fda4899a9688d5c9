import { ByteReader, toHex } from '@sotto/protocol/bytes'
import { verifierError } from '../errors.ts'

/**
 * A GET_MEASUREMENTS request and the MEASUREMENTS response to it, one after the other: DMTF DSP0274 "Security
 * Protocol and Data Model" 1.1.1, Section 10.11. Numbers are little-endian.
 */
const REQUEST_BYTES = 37
const VERSION_1_1 = 0x11
const GET_MEASUREMENTS = 0xe0
const MEASUREMENTS = 0x60
/** Param1 of the request: a signature is asked for, over hashes and not raw values. */
const SIGNATURE_REQUESTED = 0x01
/** Param2 of the request: all measurement blocks. */
const ALL_BLOCKS = 0xff
const MAX_SLOT = 7

/** Largest report: those in use have 2 to 5 kB. */
const MAX_REPORT_BYTES = 65_536
const NONCE_BYTES = 32
/** ECDSA P-384, r then s. */
const SIGNATURE_BYTES = 96

/** MeasurementSpecification of Table 45: DMTF. */
const DMTF = 1
const BLOCK_HEADER_BYTES = 4
/** DMTFSpecMeasurementValueType and -Size. */
const VALUE_HEADER_BYTES = 3
/** Bit 7 of the type: a raw value, not a hash. */
const RAW_VALUE = 0x80
/** Hashes are SHA-384, as the signature's. */
const HASH_BYTES = 48

/** One measurement of the device. */
export interface MeasurementBlock {
  /** From 1. */
  index: number
  /** DMTFSpecMeasurementValueType without bit 7: 0 immutable ROM, 1 mutable firmware, … */
  type: number
  value: Uint8Array
}

/** A request and its response. Structure only: nothing in it is authentic yet. */
export interface SpdmReport {
  /** What the relying party sent: without it a report may be an old one. */
  requesterNonce: Uint8Array
  /** In the order of their indices. */
  blocks: readonly MeasurementBlock[]
  /** What the device added, so that nobody has it sign a message of their own. */
  responderNonce: Uint8Array
  opaqueData: Uint8Array
  /** Request and response without the signature: what the signature covers. */
  signed: Uint8Array
  /** r then s, big-endian. */
  signature: Uint8Array
}

/**
 * Structure of a report: request and response of SPDM 1.1, asked for all blocks with a signature, and no
 * byte behind it.
 *
 * @throws `EVIDENCE_MALFORMED` (fix-input)
 */
export function parseSpdmReport(bytes: Uint8Array): SpdmReport {
  if (bytes.length > MAX_REPORT_BYTES)
    throw malformedReport('length', `at most ${MAX_REPORT_BYTES} bytes`, `${bytes.length}`)
  const reader = new ByteReader(bytes)
  try {
    return readReport(reader)
  } catch (error) {
    const { code, expected, found } = error as { code?: string; expected?: string; found?: string }
    if (code !== 'BYTES_TRUNCATED' && code !== 'BYTES_TRAILING') throw error
    throw malformedReport('length', expected ?? '', found ?? '')
  }
}

function readReport(reader: ByteReader): SpdmReport {
  requireBytes('request header', reader.take(4), [
    VERSION_1_1,
    GET_MEASUREMENTS,
    SIGNATURE_REQUESTED,
    ALL_BLOCKS,
  ])
  const requesterNonce = reader.take(NONCE_BYTES)
  const slot = reader.uint(1)
  if (slot > MAX_SLOT || reader.offset !== REQUEST_BYTES)
    throw malformedReport('SlotIDParam', `0 to ${MAX_SLOT}`, `${slot}`)
  // Param1 is reserved here, Param2 repeats the slot.
  requireBytes('response header', reader.take(4), [VERSION_1_1, MEASUREMENTS, 0, slot])
  const count = reader.uint(1)
  const blocks = readBlocks(reader.take(littleEndian(reader.take(3))), count)
  const responderNonce = reader.take(NONCE_BYTES)
  const opaqueData = reader.take(littleEndian(reader.take(2)))
  const signed = reader.bytes.subarray(0, reader.offset)
  const signature = reader.take(SIGNATURE_BYTES)
  reader.end()
  return { requesterNonce, blocks, responderNonce, opaqueData, signed, signature }
}

/** MeasurementRecord: as many blocks as announced, their indices ascending, so that each is there once. */
function readBlocks(record: Uint8Array, count: number): MeasurementBlock[] {
  if (count === 0) throw malformedReport('NumberOfBlocks', '1 or more', '0')
  const reader = new ByteReader(record)
  const blocks: MeasurementBlock[] = []
  let previous = 0
  for (let i = 0; i < count; i++) {
    const header = reader.take(BLOCK_HEADER_BYTES)
    const index = header[0]!
    if (index <= previous) throw malformedReport('Index', `more than ${previous}`, `${index}`)
    if (header[1] !== DMTF) throw malformedReport('MeasurementSpecification', `${DMTF}`, `${header[1]}`)
    const measurement = new ByteReader(reader.take(littleEndian(header.subarray(2))))
    const type = measurement.uint(1)
    const size = littleEndian(measurement.take(VALUE_HEADER_BYTES - 1))
    const isHash = (type & RAW_VALUE) === 0
    if (isHash && size !== HASH_BYTES)
      throw malformedReport('DMTFSpecMeasurementValueSize', `${HASH_BYTES}`, `${size}`)
    const value = measurement.take(size)
    measurement.end()
    blocks.push({ index, type: type & ~RAW_VALUE, value })
    previous = index
  }
  reader.end()
  return blocks
}

function requireBytes(what: string, found: Uint8Array, expected: readonly number[]): void {
  if (expected.some((byte, i) => found[i] !== byte))
    throw malformedReport(what, toHex(Uint8Array.from(expected)), toHex(found))
}

/** Unsigned integer of at most 4 bytes. */
export function littleEndian(bytes: Uint8Array): number {
  let value = 0
  for (let i = bytes.length - 1; i >= 0; i--) value = value * 256 + bytes[i]!
  return value
}

/** An error about the structure of a report, in the names of the specification. */
export function malformedReport(what: string, expected: string, found: string): Error {
  return verifierError('EVIDENCE_MALFORMED', `report field ${what} is malformed`, {
    expected,
    found: found.slice(0, 128),
  })
}
