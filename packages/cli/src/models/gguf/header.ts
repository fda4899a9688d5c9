import { cliError } from '../../errors.ts'
import { FILE_TYPES, TENSOR_TYPES } from './types.ts'

/** What the head of a GGUF file says of the model. */
export interface GgufHeader {
  /** `general.architecture`, where it is given. */
  readonly architecture?: string
  /** Name of the quantization of the file as a whole: `q8_0`, `q4_k_m`; that of most weights where the file gives none. */
  readonly quantization: string
  /** Weights in all. */
  readonly parameters: number
  /** Weights by the type they are stored in, the most first. */
  readonly weights: readonly { readonly type: string; readonly parameters: number }[]
}

/** Thrown where the bytes end before the header does: there may be more in the file. */
export class GgufTruncated extends Error {}

const MAGIC = 0x46554747
/** No model has more tensors, settings or dimensions. */
const MAX_TENSORS = 100_000
const MAX_SETTINGS = 10_000
const MAX_DIMENSIONS = 4
/** Names and the few texts that are read; longer texts are passed over. */
const MAX_TEXT_BYTES = 65_536
/** A list may hold lists. */
const MAX_DEPTH = 4
const [U32, TEXT, LIST, U64] = [4, 8, 9, 10]
/** Bytes of a value by type: u8, i8, u16, i16, u32, i32, f32, bool, -, -, u64, i64, f64. */
const SIZES: readonly (number | undefined)[] = [1, 1, 2, 2, 4, 4, 4, 1, undefined, undefined, 8, 8, 8]

/**
 * Reads the head of a GGUF file, version 2 or 3 (`docs/gguf.md` of ggml). Whoever made the file controls every byte.
 *
 * @param bytes the file from its first byte, or as much of it as holds the head
 * @throws `MODEL_INVALID`; {@link GgufTruncated} where the head goes on behind `bytes`
 */
export function parseGgufHeader(bytes: Uint8Array): GgufHeader {
  const reader = new Reader(bytes)
  if (reader.u32() !== MAGIC) throw invalid('a GGUF file begins with "GGUF"')
  const version = reader.u32()
  if (version !== 2 && version !== 3) throw invalid('GGUF version is not 2 or 3', `${version}`)
  const tensors = reader.count(MAX_TENSORS, 'tensors')
  const settings = reader.count(MAX_SETTINGS, 'settings')
  let architecture: string | undefined
  let fileType: number | undefined
  for (let i = 0; i < settings; i++) {
    const key = reader.text()
    const type = reader.u32()
    if (key === 'general.architecture' && type === TEXT) architecture = reader.text()
    else if (key === 'general.file_type' && type === U32) fileType = reader.u32()
    else reader.skip(type, 0)
  }
  const weights = new Map<string, number>()
  let parameters = 0
  for (let i = 0; i < tensors; i++) {
    const { type, elements } = readTensor(reader)
    weights.set(type, (weights.get(type) ?? 0) + elements)
    parameters += elements
  }
  if (!Number.isSafeInteger(parameters)) throw invalid('a GGUF file cannot have so many weights')
  const sorted = [...weights].toSorted((a, b) => b[1] - a[1])
  return {
    ...(architecture !== undefined && { architecture }),
    quantization: nameOfFile(fileType) ?? sorted[0]?.[0] ?? 'none',
    parameters,
    weights: sorted.map(([type, count]) => ({ type, parameters: count })),
  }
}

function readTensor(reader: Reader): { type: string; elements: number } {
  reader.text()
  const dimensions = reader.u32()
  if (dimensions < 1 || dimensions > MAX_DIMENSIONS) throw invalid('a tensor has 1 to 4 dimensions')
  let elements = 1
  for (let at = 0; at < dimensions; at++) elements *= reader.count(Number.MAX_SAFE_INTEGER, 'elements')
  if (!Number.isSafeInteger(elements)) throw invalid('a tensor cannot have so many elements')
  const type = reader.u32()
  reader.skip(U64, 0)
  return { type: Object.hasOwn(TENSOR_TYPES, type) ? TENSOR_TYPES[type]! : `type ${type}`, elements }
}

function nameOfFile(type: number | undefined): string | undefined {
  return type !== undefined && Object.hasOwn(FILE_TYPES, type) ? FILE_TYPES[type] : undefined
}

class Reader {
  private at = 0
  private readonly view: DataView
  private readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true)
  }

  /** A 64-bit number up to `max`. */
  count(max: number, what: string): number {
    const value = this.view.getBigUint64(this.take(8), true)
    if (value > BigInt(max)) throw invalid(`a GGUF file cannot have so many ${what}`, `${value}`)
    return Number(value)
  }

  text(): string {
    const length = this.count(MAX_TEXT_BYTES, 'bytes in a name')
    const from = this.take(length)
    return new TextDecoder().decode(this.bytes.subarray(from, from + length))
  }

  /** Passes over a value of this type. */
  skip(type: number, depth: number): void {
    const size = SIZES[type]
    if (size !== undefined) this.take(size)
    else if (type === TEXT) this.take(this.count(Number.MAX_SAFE_INTEGER, 'bytes'))
    else if (type === LIST && depth < MAX_DEPTH) this.skipList(depth + 1)
    else throw invalid('a GGUF setting has a type that is not known', `${type}`)
  }

  private skipList(depth: number): void {
    const type = this.u32()
    const length = this.count(Number.MAX_SAFE_INTEGER, 'elements')
    const size = SIZES[type]
    if (size !== undefined) this.take(length * size)
    // Each element has at least a length of 8 bytes: the end of the file ends this.
    else for (let i = 0; i < length; i++) this.skip(type, depth)
  }

  private take(length: number): number {
    const from = this.at
    if (length > this.bytes.length - from) throw new GgufTruncated()
    this.at += length
    return from
  }
}

function invalid(message: string, found?: string): Error {
  return cliError('MODEL_INVALID', message, found === undefined ? {} : { found })
}
