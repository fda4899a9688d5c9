import { fromUtf8 } from '../bytes/index.ts'
import { ggufError } from './errors.ts'
import { MAX_LIST, MAX_TEXT_BYTES } from './limits.ts'
import { type GgufScalarType, type GgufValue, SCALAR_TYPES } from './types.ts'

/** Some bytes of a file, as many as are asked for, from a position that lies within it. */
export type ReadAt = (position: number, length: number) => Uint8Array

/** Read at once. */
const WINDOW_BYTES = 65_536
/** Type of a list in metadata. */
const LIST = 9

/** Bytes of a value; texts say their own length. */
const SCALAR_BYTES: Readonly<Record<Exclude<GgufScalarType, 'string'>, number>> = {
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  uint32: 4,
  int32: 4,
  float32: 4,
  bool: 1,
  uint64: 8,
  int64: 8,
  float64: 8,
}

/** Reads the header of a file forward through a window. Whoever made the file controls every byte. */
export class GgufReader {
  position = 0
  readonly #read: ReadAt
  readonly #size: number
  #window: Uint8Array = new Uint8Array(0)
  #start = 0

  constructor(read: ReadAt, size: number) {
    this.#read = read
    this.#size = size
  }

  /** The next bytes. @throws `GGUF_MALFORMED` where the file has fewer */
  take(length: number): Uint8Array {
    this.#require(length)
    const at = this.position
    this.position += length
    if (at < this.#start || at + length > this.#start + this.#window.length) {
      this.#window = this.#read(at, Math.min(Math.max(length, WINDOW_BYTES), this.#size - at))
      this.#start = at
    }
    return this.#window.subarray(at - this.#start, at - this.#start + length)
  }

  skip(length: number): void {
    this.#require(length)
    this.position += length
  }

  uint32(): number {
    return viewOf(this.take(4)).getUint32(0, true)
  }

  /** A number of 64 bits that positions and sizes in a file can have. */
  uint64(): number {
    const value = viewOf(this.take(8)).getBigUint64(0, true)
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed('a number is larger than any file')
    return Number(value)
  }

  count(max: number, what: string): number {
    const count = this.uint64()
    if (count > max) throw malformed(`it says it has more ${what} than any model`)
    return count
  }

  /** A name or a text. @throws `GGUF_MALFORMED` where it is longer than it may be, or no UTF-8 */
  string(maxBytes: number): string {
    const length = this.uint64()
    if (length > maxBytes) throw malformed('a name is too long')
    const bytes = this.take(length)
    try {
      return fromUtf8(bytes)
    } catch {
      throw malformed('a name is not UTF-8')
    }
  }

  /** A value of metadata. */
  value(type: number): GgufValue {
    if (type !== LIST) return this.#scalar(scalarOf(type))
    const { of, count, start } = this.#list()
    const end = this.position
    this.position = start
    const items = this.take(end - start)
    return { type: 'list', of, count, items }
  }

  /** The same, without looking at more than its length. */
  skipValue(type: number): void {
    if (type === LIST) this.#list()
    else this.#skipScalars(scalarOf(type), 1)
  }

  /** Walks a list to its end. */
  #list(): { of: GgufScalarType; count: number; start: number } {
    const type = this.uint32()
    const count = this.count(MAX_LIST, 'words')
    if (type === LIST) throw malformed('lists are nested')
    const of = scalarOf(type)
    const start = this.position
    this.#skipScalars(of, count)
    return { of, count, start }
  }

  #skipScalars(type: GgufScalarType, count: number): void {
    if (type !== 'string') return this.skip(count * SCALAR_BYTES[type])
    for (let item = 0; item < count; item++) this.skip(this.uint64())
  }

  #scalar(type: GgufScalarType): GgufValue {
    if (type === 'string') return { type, value: this.string(MAX_TEXT_BYTES) }
    const view = viewOf(this.take(SCALAR_BYTES[type]))
    switch (type) {
      case 'uint8':
        return { type, value: view.getUint8(0) }
      case 'int8':
        return { type, value: view.getInt8(0) }
      case 'uint16':
        return { type, value: view.getUint16(0, true) }
      case 'int16':
        return { type, value: view.getInt16(0, true) }
      case 'uint32':
        return { type, value: view.getUint32(0, true) }
      case 'int32':
        return { type, value: view.getInt32(0, true) }
      case 'float32':
        return { type, value: view.getFloat32(0, true) }
      case 'float64':
        return { type, value: view.getFloat64(0, true) }
      case 'uint64':
        return { type, value: view.getBigUint64(0, true) }
      case 'int64':
        return { type, value: view.getBigInt64(0, true) }
      case 'bool': {
        const byte = view.getUint8(0)
        if (byte > 1) throw malformed('a truth is neither 0 nor 1')
        return { type, value: byte === 1 }
      }
    }
  }

  #require(length: number): void {
    if (length > this.#size - this.position) throw malformed('it says it is longer than it is')
  }
}

function scalarOf(type: number): GgufScalarType {
  const found = SCALAR_TYPES[type]
  if (found === undefined) throw malformed('a value is of no known type')
  return found
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function malformed(why: string): Error {
  return ggufError('GGUF_MALFORMED', why)
}
