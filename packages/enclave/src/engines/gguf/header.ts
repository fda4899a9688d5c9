import { engineError } from '../errors.ts'

/** Some bytes of a file, as many as are asked for, from a position that lies within it. */
export type ReadAt = (position: number, length: number) => Uint8Array

/** Tensors and entries of metadata at most: the largest models there are have some thousands. */
const MAX_TENSORS = 100_000
const MAX_ENTRIES = 10_000
/** Entries of one list: vocabularies have some hundred thousand words. */
const MAX_LIST = 10_000_000
/** `GGML_MAX_DIMS`. */
const MAX_DIMENSIONS = 4
const MAX_NAME_BYTES = 1024
/** Read at once. */
const WINDOW_BYTES = 65_536

/** Bytes of a value of each type of metadata, by its number; strings and lists say their own length. */
const VALUE_BYTES = [1, 1, 2, 2, 4, 4, 4, 1, undefined, undefined, 8, 8, 8] as const
const [STRING, LIST] = [8, 9]

/**
 * Walks the header of a GGUF file (versions 2 and 3: magic, counts, metadata, tensors) and refuses one whose numbers do
 * not fit the file. Whoever made the model controls every byte, and the loaders behind this believe its counts: one of
 * 2^60 keeps them busy until somebody ends them.
 *
 * @throws `ENGINE_MODEL_INVALID`
 */
export function checkGgufHeader(read: ReadAt, size: number): void {
  const header = new Header(read, size)
  if (fromLatin(header.take(4)) !== 'GGUF') throw invalid('it does not begin like one')
  const version = header.uint32()
  if (version !== 2 && version !== 3) throw invalid('its version is neither 2 nor 3')
  const tensors = header.count(MAX_TENSORS, 'tensors')
  const entries = header.count(MAX_ENTRIES, 'entries of metadata')
  for (let entry = 0; entry < entries; entry++) {
    header.string(MAX_NAME_BYTES)
    header.value(header.uint32())
  }
  const offsets: number[] = []
  for (let tensor = 0; tensor < tensors; tensor++) {
    header.string(MAX_NAME_BYTES)
    const dimensions = header.uint32()
    if (dimensions > MAX_DIMENSIONS) throw invalid('a tensor has too many dimensions')
    let elements = 1
    for (let dimension = 0; dimension < dimensions; dimension++) elements *= header.uint64()
    if (!Number.isSafeInteger(elements)) throw invalid('a tensor is larger than any file')
    header.uint32()
    offsets.push(header.uint64())
  }
  if (offsets.some((offset) => offset > size - header.position))
    throw invalid('a tensor lies behind the end of the file')
}

/** Reads forward through a window. */
class Header {
  position = 0
  private readonly read: ReadAt
  private readonly size: number
  private window: Uint8Array = new Uint8Array(0)
  private start = 0

  constructor(read: ReadAt, size: number) {
    this.read = read
    this.size = size
  }

  take(length: number): Uint8Array {
    this.require(length)
    const at = this.position
    this.position += length
    if (at < this.start || at + length > this.start + this.window.length) {
      this.window = this.read(at, Math.min(Math.max(length, WINDOW_BYTES), this.size - at))
      this.start = at
    }
    return this.window.subarray(at - this.start, at - this.start + length)
  }

  uint32(): number {
    const bytes = this.take(4)
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
  }

  uint64(): number {
    const bytes = this.take(8)
    const value = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw invalid('a number is larger than any file')
    return Number(value)
  }

  count(max: number, what: string): number {
    const count = this.uint64()
    if (count > max) throw invalid(`it says it has more ${what} than any model`)
    return count
  }

  string(maxBytes: number = this.size): void {
    const length = this.uint64()
    if (length > maxBytes) throw invalid('a name is too long')
    this.skip(length)
  }

  value(type: number): void {
    if (type === STRING) return this.string()
    if (type !== LIST) return this.skip(bytesOf(type))
    const of = this.uint32()
    const count = this.count(MAX_LIST, 'words')
    if (of === LIST) throw invalid('lists are nested')
    if (of !== STRING) return this.skip(count * bytesOf(of))
    for (let item = 0; item < count; item++) this.string()
  }

  private skip(length: number): void {
    this.require(length)
    this.position += length
  }

  private require(length: number): void {
    if (length > this.size - this.position) throw invalid('it says it is longer than it is')
  }
}

function bytesOf(type: number): number {
  const bytes = VALUE_BYTES[type]
  if (bytes === undefined) throw invalid('a value is of no known type')
  return bytes
}

function fromLatin(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}

function invalid(why: string): Error {
  return engineError('ENGINE_MODEL_INVALID', `not a GGUF file that can be loaded: ${why}`)
}
