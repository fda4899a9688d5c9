/**
 * Named tensors in one file: https://github.com/huggingface/safetensors#format. Eight bytes with the length of the header,
 * the header in JSON, and the elements, little-endian, one tensor after the other without a gap.
 */
import { concat, fromUtf8, utf8 } from '../bytes/index.ts'
import { type JsonValue, parseStrictJson } from '../jcs/index.ts'
import { countElements } from '../tensors/index.ts'
import { trainingError } from './errors.ts'

/** Bytes of one element of each type. */
const ELEMENT_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
} as const
export type SafetensorType = keyof typeof ELEMENT_BYTES

/** One tensor of a file. */
export interface Safetensor {
  /** 1 to 512 characters, not `__metadata__`. */
  readonly name: string
  readonly type: SafetensorType
  readonly shape: readonly number[]
  /** Little-endian elements; of a file that was read, a view of it. */
  readonly data: Uint8Array
}

/** What a file holds. */
export interface SafetensorFile {
  readonly tensors: readonly Safetensor[]
  /** Text by name, for people and programs. */
  readonly metadata: ReadonlyMap<string, string>
}

/** Far past any model's table of contents, and small enough to parse at once. */
const MAX_HEADER_BYTES = 16 * 1024 * 1024
const MAX_TENSORS = 65_536
const MAX_NAME = 512
const LENGTH_BYTES = 8
const METADATA = '__metadata__'

/**
 * Bytes of a file: tensors sorted by name, so that the same tensors are the same bytes.
 * @throws `TRAINING_SAFETENSORS` for a name that is taken or out of bounds, and data that are not of their shape
 */
export function encodeSafetensors(file: SafetensorFile): Uint8Array {
  const tensors = file.tensors.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const entries: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  if (file.metadata.size > 0)
    entries[METADATA] = Object.fromEntries([...file.metadata].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  let offset = 0
  for (const { name, type, shape, data } of tensors) {
    if (name.length === 0 || name.length > MAX_NAME || Object.hasOwn(entries, name) || name === METADATA)
      throw malformed('a tensor has no name of its own')
    if (bytesOf(type, shape) !== data.length) throw malformed('data of a tensor are not of its shape')
    entries[name] = { dtype: type, shape, data_offsets: [offset, offset + data.length] }
    offset += data.length
  }
  const text = utf8(JSON.stringify(entries))
  const header = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(0x20)
  header.set(text)
  if (header.length > MAX_HEADER_BYTES || tensors.length > MAX_TENSORS) throw malformed('too many tensors')
  const length = new Uint8Array(LENGTH_BYTES)
  new DataView(length.buffer).setBigUint64(0, BigInt(header.length), true)
  return concat(length, header, ...tensors.map(({ data }) => data))
}

/**
 * Reads a file that anybody may have written. Every byte of it belongs to exactly one tensor.
 * @throws `TRAINING_SAFETENSORS`
 */
export function parseSafetensors(bytes: Uint8Array): SafetensorFile {
  if (bytes.length < LENGTH_BYTES) throw malformed('file ends before its header does')
  const stated = new DataView(bytes.buffer, bytes.byteOffset, LENGTH_BYTES).getBigUint64(0, true)
  if (stated > BigInt(Math.min(MAX_HEADER_BYTES, bytes.length - LENGTH_BYTES)))
    throw malformed('header is longer than the file, or than any header')
  const start = LENGTH_BYTES + Number(stated)
  const body = bytes.subarray(start)
  const header = headerOf(bytes.subarray(LENGTH_BYTES, start))
  const tensors: Safetensor[] = []
  const metadata = new Map<string, string>()
  const ranges: [number, number][] = []
  for (const [name, entry] of Object.entries(header)) {
    if (name === METADATA) {
      for (const [key, value] of Object.entries(recordOf(entry))) metadata.set(key, textOf(value))
      continue
    }
    if (name.length === 0 || name.length > MAX_NAME) throw malformed('a tensor has no name')
    const { dtype, shape, data_offsets: range, ...more } = recordOf(entry)
    if (Object.keys(more).length > 0) throw malformed('a tensor has more than type, shape and place')
    const [from, to] = rangeOf(range, body.length)
    const type = typeOf(dtype)
    if (!isShape(shape) || bytesOf(type, shape) !== to - from)
      throw malformed('data of a tensor are not of its shape')
    tensors.push({ name, type, shape, data: body.subarray(from, to) })
    ranges.push([from, to])
  }
  if (tensors.length > MAX_TENSORS) throw malformed('too many tensors')
  requireWhole(ranges, body.length)
  return { tensors, metadata }
}

/** Elements of an F32 tensor, copied: its bytes may begin anywhere. @throws `TRAINING_SAFETENSORS` */
export function floatsOf({ type, data }: Safetensor): Float32Array {
  if (type !== 'F32') throw malformed('a tensor is not of F32')
  return new Float32Array(data.slice().buffer)
}

function headerOf(bytes: Uint8Array): Record<string, JsonValue> {
  try {
    // Writers fill up with spaces, for the alignment of what follows.
    const text = fromUtf8(bytes).replace(/ +$/, '')
    return recordOf(parseStrictJson(text, { maxBytes: MAX_HEADER_BYTES, maxDepth: 4 }))
  } catch (cause) {
    throw malformed('header is no JSON object', cause)
  }
}

/** Tensors lie one after the other: no byte is of two of them, and none of nobody. */
function requireWhole(ranges: [number, number][], length: number): void {
  let end = 0
  for (const [from, to] of ranges.toSorted(([a, b], [c, d]) => a - c || b - d)) {
    if (from !== end) throw malformed('tensors overlap, or leave a gap')
    end = to
  }
  if (end !== length) throw malformed('file does not end where its tensors do')
}

function bytesOf(type: SafetensorType, shape: readonly number[]): number | undefined {
  const count = countElements(shape)
  return count === undefined ? undefined : count * ELEMENT_BYTES[type]
}

function typeOf(value: JsonValue | undefined): SafetensorType {
  if (typeof value !== 'string' || !Object.hasOwn(ELEMENT_BYTES, value))
    throw malformed('a tensor is of a type that this reader does not have')
  return value as SafetensorType
}

function isShape(value: JsonValue | undefined): value is readonly number[] {
  return Array.isArray(value) && countElements(value as readonly number[]) !== undefined
}

function rangeOf(value: JsonValue | undefined, length: number): [number, number] {
  const [from, to, ...more] = Array.isArray(value) ? (value as readonly unknown[]) : []
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || more.length > 0)
    throw malformed('a tensor has no place')
  const range: [number, number] = [from as number, to as number]
  if (range[0] < 0 || range[1] < range[0] || range[1] > length)
    throw malformed('a tensor lies outside the file')
  return range
}

function recordOf(value: JsonValue | undefined): Record<string, JsonValue> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformed('an object is missing')
  return value as Record<string, JsonValue>
}

function textOf(value: JsonValue): string {
  if (typeof value !== 'string') throw malformed('metadata are texts')
  return value
}

function malformed(message: string, cause?: unknown): Error {
  return trainingError('TRAINING_SAFETENSORS', message, { cause })
}
