import { ByteReader, fromUtf8 } from '../bytes/index.ts'
import { cborError } from './errors.ts'
import { CborTag, MAJOR, type CborInteger, type CborKey, type CborMap, type CborValue } from './types.ts'

/** Nesting of a COSE message is 4; more is an attack on the stack. */
const MAX_DEPTH = 16
const MAX_BYTES = 65_536

/** Bounds of {@link decodeCbor}. */
export interface CborLimits {
  /** Longest accepted input. Default 65536. */
  maxBytes?: number
  /** Deepest accepted nesting. Default 16. */
  maxDepth?: number
  /**
   * Default false. True accepts arrays and maps without a length, that end in a break: for signed
   * bytes whose author writes them so. Strings never come in chunks.
   */
  indefiniteCollections?: boolean
}

/**
 * Decodes one CBOR item (RFC 8949) that fills its input. The bytes may come from anybody, so each
 * value has one accepted spelling: shortest integers and lengths, definite lengths, well-formed
 * UTF-8, no name twice in a map. Encoding the result again gives the very bytes, unless
 * `indefiniteCollections` is set. Floating-point
 * numbers, undefined, other simple values and map keys other than integers and text are refused.
 *
 * Byte strings are views of the input.
 *
 * @throws `CBOR_MALFORMED`, `CBOR_UNSUPPORTED` (fix-input)
 */
export function decodeCbor(bytes: Uint8Array, limits: CborLimits = {}): CborValue {
  const { maxBytes = MAX_BYTES, maxDepth = MAX_DEPTH, indefiniteCollections = false } = limits
  if (bytes.length > maxBytes)
    throw cborError('CBOR_MALFORMED', 'CBOR is too long', `at most ${maxBytes} bytes`, `${bytes.length}`)
  const reader = new ByteReader(bytes)
  const value = readItem(reader, { depth: maxDepth, indefiniteCollections })
  if (reader.remaining > 0)
    throw cborError('CBOR_MALFORMED', 'CBOR has trailing bytes', 'the end', `${reader.remaining} more bytes`)
  return value
}

/** What is left of the bounds inside an item. */
interface Room {
  depth: number
  indefiniteCollections: boolean
}

function readItem(reader: ByteReader, room: Room): CborValue {
  if (room.depth < 0) throw cborError('CBOR_MALFORMED', 'CBOR is nested too deeply')
  const at = reader.offset
  const first = take(reader, 1)[0]!
  const major = first >> 5
  const info = first & 0x1f
  if (major === MAJOR.simple) return simpleValue(info, at)
  const inside = { ...room, depth: room.depth - 1 }
  if (info === INDEFINITE && room.indefiniteCollections) {
    if (major === MAJOR.array) return readArray(reader, Infinity, inside)
    if (major === MAJOR.map) return readMap(reader, Infinity, inside)
  }
  const argument = readArgument(reader, info)
  switch (major) {
    case MAJOR.unsigned:
      return argument
    case MAJOR.negative:
      return negative(argument)
    case MAJOR.bytes:
      return take(reader, count(reader, argument, 1))
    case MAJOR.text:
      return readText(reader, argument)
    case MAJOR.array:
      return readArray(reader, count(reader, argument, 1), inside)
    case MAJOR.map:
      return readMap(reader, count(reader, argument, 2), inside)
    default:
      return new CborTag(argument, readItem(reader, inside))
  }
}

/** Additional information of an item without a length, and the byte that ends it (RFC 8949 Section 3.2.1). */
const INDEFINITE = 31
const BREAK = 0xff

/** Argument of an initial byte, in the shortest form only (RFC 8949 Section 4.2.1). */
function readArgument(reader: ByteReader, info: number): CborInteger {
  if (info < 24) return info
  if (info > 27) {
    const what = info === INDEFINITE ? 'an indefinite length' : 'a reserved initial byte'
    throw cborError('CBOR_MALFORMED', `CBOR has ${what} at offset ${reader.offset - 1}`)
  }
  const length = 1 << (info - 24)
  let value: CborInteger = 0
  for (const byte of take(reader, Math.min(length, 4))) value = value * 256 + byte
  if (length === 8) {
    const low = new ByteReader(take(reader, 4)).uint(4)
    if (value > 0 && value < 2 ** 21) return value * 2 ** 32 + low
    if (value > 0) return (BigInt(value) << 32n) | BigInt(low)
  } else if (value >= SMALLEST[length]!) return value
  throw cborError(
    'CBOR_MALFORMED',
    `CBOR has a number at offset ${reader.offset - length} that is not in its shortest form`,
  )
}

/** Smallest argument that needs so many bytes. */
const SMALLEST: Readonly<Record<number, number>> = { 1: 24, 2: 0x100, 4: 0x1_0000 }

function negative(argument: CborInteger): CborInteger {
  if (typeof argument === 'number' && argument < Number.MAX_SAFE_INTEGER) return -1 - argument
  return -1n - BigInt(argument)
}

/** A number of items, refused before anything is allocated for more than can follow. */
function count(reader: ByteReader, argument: CborInteger, bytesPerItem: number): number {
  if (typeof argument === 'bigint' || argument * bytesPerItem > reader.remaining)
    throw cborError('CBOR_MALFORMED', `CBOR ends too early: a length at offset ${reader.offset} goes past it`)
  return argument
}

function readText(reader: ByteReader, argument: CborInteger): string {
  const at = reader.offset
  try {
    return fromUtf8(take(reader, count(reader, argument, 1)))
  } catch (error) {
    if ((error as { code?: string }).code !== 'BYTES_ENCODING') throw error
    throw cborError('CBOR_MALFORMED', `CBOR has text at offset ${at} that is not UTF-8`)
  }
}

function readArray(reader: ByteReader, length: number, room: Room): CborValue[] {
  const items: CborValue[] = []
  while (items.length < length && !isAtBreak(reader, length)) items.push(readItem(reader, room))
  return items
}

function readMap(reader: ByteReader, entries: number, room: Room): CborMap {
  const map = new Map<CborKey, CborValue>()
  while (map.size < entries && !isAtBreak(reader, entries)) {
    const at = reader.offset
    const key = readItem(reader, room)
    if (typeof key !== 'string' && typeof key !== 'number' && typeof key !== 'bigint')
      throw cborError(
        'CBOR_UNSUPPORTED',
        `CBOR has a map key at offset ${at} that is neither a number nor text`,
      )
    if (map.has(key)) throw cborError('CBOR_MALFORMED', `CBOR has a map key twice, at offset ${at}`)
    map.set(key, readItem(reader, room))
  }
  return map
}

/** Whether a collection of no stated length ends here; reads past its break. */
function isAtBreak(reader: ByteReader, length: number): boolean {
  if (length !== Infinity || reader.bytes[reader.offset] !== BREAK) return false
  reader.offset++
  return true
}

/** Only false, true and null have a use here. */
function simpleValue(info: number, at: number): boolean | null {
  if (info === 20) return false
  if (info === 21) return true
  if (info === 22) return null
  throw cborError('CBOR_UNSUPPORTED', `CBOR has a floating-point number or simple value at offset ${at}`)
}

function take(reader: ByteReader, length: number): Uint8Array {
  if (length > reader.remaining)
    throw cborError('CBOR_MALFORMED', `CBOR ends too early, at offset ${reader.bytes.length}`)
  return reader.take(length)
}
