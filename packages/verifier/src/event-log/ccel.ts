import { verifierError } from '../errors.ts'
import { EV_NO_ACTION, type EventLog, type LogEvent, typeName } from './types.ts'

/**
 * CC event log: "TCG PC Client Platform Firmware Profile", section 10 (crypto-agile log), with the register
 * indices of "UEFI Specification", section 38.4.1. Numbers are little-endian.
 */
const SPEC_ID = 'Spec ID Event03'
/** TCG_ALG_ID of SHA-384, the only hash of TDX. */
const SHA384 = 0x0c
const SHA384_BYTES = 48
/** Digest lengths of the algorithms that may stand beside it, by TCG_ALG_ID. */
const DIGEST_BYTES: Readonly<Record<number, number>> = {
  0x04: 20,
  0x0b: 32,
  [SHA384]: SHA384_BYTES,
  0x0d: 64,
  0x12: 32,
}
const MAX_ALGORITHMS = 5
/** Logs in use have 20 to 200 events; certificates of Secure Boot have up to 32 kB. */
const [MAX_EVENTS, MAX_EVENT_BYTES] = [4096, 262_144]
/** MRTD and four RTMRs. */
const MAX_INDEX = 4
/** What an area is filled with behind the last event. */
const [FILLED, CLEARED] = [0xff, 0x00]

/** Whether bytes begin as a log of this kind does. */
export function isCcel(bytes: Uint8Array): boolean {
  if (bytes.length < HEADER_BYTES + SPEC_ID.length || bytes[4] !== EV_NO_ACTION) return false
  return [...SPEC_ID].every((character, i) => bytes[HEADER_BYTES + i] === character.charCodeAt(0))
}

const HEADER_BYTES = 32

/** Reads a log to its end; behind it there is only filling. @throws `EVIDENCE_MALFORMED` (fix-input) */
export function parseCcel(bytes: Uint8Array): EventLog {
  const reader = new LogReader(bytes)
  if (!isCcel(bytes)) throw malformed('header', SPEC_ID, 'something else')
  reader.take(HEADER_BYTES - 4)
  const algorithms = readAlgorithms(new LogReader(reader.sized()))
  const events: LogEvent[] = []
  while (!isEnd(reader)) {
    if (events.length === MAX_EVENTS) throw malformed('number of events', `at most ${MAX_EVENTS}`, 'more')
    events.push(readEvent(reader, algorithms))
  }
  return { format: 'ccel', events }
}

/** TCG_EfiSpecIdEvent: the algorithms that every event has a digest of. */
function readAlgorithms(reader: LogReader): Map<number, number> {
  // Signature with its NUL, platform class, version and errata, size of a pointer.
  reader.take(16 + 4 + 4)
  const count = reader.uint32()
  if (count === 0 || count > MAX_ALGORITHMS)
    throw malformed('number of algorithms', `1 to ${MAX_ALGORITHMS}`, `${count}`)
  const algorithms = new Map<number, number>()
  for (let i = 0; i < count; i++) {
    const id = reader.uint16()
    const length = reader.uint16()
    if (DIGEST_BYTES[id] !== length || algorithms.has(id))
      throw malformed(
        'algorithm',
        'known ones with their length, once',
        `0x${id.toString(16)} of ${length} bytes`,
      )
    algorithms.set(id, length)
  }
  if (!algorithms.has(SHA384)) throw malformed('algorithms', 'SHA-384 among them', 'none')
  reader.take(reader.uint8())
  if (!reader.atEnd) throw malformed('specification id', 'the end', 'more bytes')
  return algorithms
}

/** TCG_PCR_EVENT2. */
function readEvent(reader: LogReader, algorithms: ReadonlyMap<number, number>): LogEvent {
  const index = reader.uint32()
  const type = reader.uint32()
  if (index > MAX_INDEX || (index === 0 && type !== EV_NO_ACTION))
    throw malformed('register', `1 to ${MAX_INDEX}`, `${index}`)
  const count = reader.uint32()
  if (count !== algorithms.size) throw malformed('number of digests', `${algorithms.size}`, `${count}`)
  const digests = new Map<number, Uint8Array>()
  for (let i = 0; i < count; i++) {
    const id = reader.uint16()
    const length = algorithms.get(id)
    if (length === undefined || digests.has(id))
      throw malformed('digest', 'one of each algorithm', `0x${id.toString(16)}`)
    digests.set(id, reader.take(length))
  }
  return {
    index,
    type,
    typeName: typeName(type),
    digest: digests.get(SHA384)!,
    data: reader.sized(),
  }
}

/** Whether only filling follows: an area that was set to one value, or nothing. */
function isEnd({ rest }: LogReader): boolean {
  const filling = rest[0] === FILLED ? FILLED : CLEARED
  // Index 0 with type 0 is no event.
  for (let i = 0; i < 8 && i < rest.length; i++) if (rest[i] !== filling) return false
  // By index: areas are a quarter of a megabyte.
  for (let i = 0; i < rest.length; i++)
    if (rest[i] !== filling)
      throw malformed('end', `filled with 0x${filling.toString(16)}`, `0x${rest[i]!.toString(16)}`)
  return true
}

/** Fields one after the other, never past the end. */
class LogReader {
  private readonly bytes: Uint8Array
  private offset = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  get atEnd(): boolean {
    return this.offset === this.bytes.length
  }

  get rest(): Uint8Array {
    return this.bytes.subarray(this.offset)
  }

  take(length: number): Uint8Array {
    const left = this.bytes.length - this.offset
    if (length > left) throw malformed('length', `${length} more bytes`, `${left}`)
    this.offset += length
    return this.bytes.subarray(this.offset - length, this.offset)
  }

  uint8(): number {
    return this.take(1)[0]!
  }

  uint16(): number {
    return this.uint8() + this.uint8() * 0x100
  }

  uint32(): number {
    return this.uint16() + this.uint16() * 0x1_0000
  }

  /** Bytes with their length before them. */
  sized(): Uint8Array {
    const length = this.uint32()
    if (length > MAX_EVENT_BYTES) throw malformed('event size', `at most ${MAX_EVENT_BYTES}`, `${length}`)
    return this.take(length)
  }
}

function malformed(what: string, expected: string, found: string): Error {
  return verifierError('EVIDENCE_MALFORMED', `event log: ${what} is malformed`, { expected, found })
}
