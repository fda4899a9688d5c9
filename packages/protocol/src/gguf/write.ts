import { concat, utf8 } from '../bytes/index.ts'
import { ggufError } from './errors.ts'
import { MAX_DIMENSIONS, MAX_ENTRIES, MAX_NAME_BYTES, MAX_TENSORS } from './limits.ts'
import { aligned, ALIGNMENT, alignmentOf } from './read.ts'
import { codeOf, tensorBytes } from './tensor-types.ts'
import { type GgufFile, type GgufValue, SCALAR_TYPES } from './types.ts'

const LIST = 9

/**
 * Bytes of a file, version 3: metadata and tensors in the order that they are given in, so that the same content is the
 * same bytes. It ends with its last tensor, filled up to the alignment.
 *
 * @throws `GGUF_MALFORMED` for a name that is taken or out of bounds, and data that are not of their dimensions
 */
export function encodeGguf({ metadata, tensors }: GgufFile): Uint8Array {
  if (tensors.length > MAX_TENSORS || metadata.size > MAX_ENTRIES) throw malformed('too many entries')
  const alignment = alignmentOf(metadata.get(ALIGNMENT))
  const parts = [utf8('GGUF'), uint32(3), uint64(tensors.length), uint64(metadata.size)]
  for (const [key, value] of metadata) parts.push(named(key), ...encodeValue(value))
  const names = new Set<string>()
  let offset = 0
  for (const { name, type, dims, data } of tensors) {
    if (name === '' || names.has(name)) throw malformed('a tensor has no name of its own', name)
    names.add(name)
    if (dims.length > MAX_DIMENSIONS || !dims.every((size) => Number.isSafeInteger(size) && size > 0))
      throw malformed('a tensor has no such dimensions', name)
    if (tensorBytes(type, dims, name) !== data.length)
      throw malformed('data of a tensor are not of its dimensions', name)
    const sizes = dims.toReversed().map(uint64)
    parts.push(named(name), uint32(dims.length), ...sizes, uint32(codeOf(type)), uint64(offset))
    offset = aligned(offset + data.length, alignment)
  }
  const header = concat(...parts)
  const start = aligned(header.length, alignment)
  const bytes = new Uint8Array(start + offset)
  bytes.set(header)
  let at = start
  for (const { data } of tensors) {
    bytes.set(data, at)
    at = aligned(at + data.length, alignment)
  }
  return bytes
}

function encodeValue(value: GgufValue): Uint8Array[] {
  if (value.type === 'list')
    return [uint32(LIST), uint32(SCALAR_TYPES.indexOf(value.of)), uint64(value.count), value.items]
  return [uint32(SCALAR_TYPES.indexOf(value.type)), encodeScalar(value)]
}

/** A value without its type: also what an item of a list is. */
export function encodeScalar(scalar: Exclude<GgufValue, { type: 'list' }>): Uint8Array {
  const { type, value } = scalar
  if (type === 'string') return text(value)
  const view = new DataView(new ArrayBuffer(8))
  return new Uint8Array(view.buffer, 0, setScalar(view, scalar))
}

/** Writes a number or truth at the beginning; answers its bytes. */
function setScalar(view: DataView, { type, value }: Exclude<GgufValue, { type: 'list' | 'string' }>): number {
  switch (type) {
    case 'uint8':
    case 'bool':
      view.setUint8(0, Number(value))
      return 1
    case 'int8':
      view.setInt8(0, value)
      return 1
    case 'uint16':
      view.setUint16(0, value, true)
      return 2
    case 'int16':
      view.setInt16(0, value, true)
      return 2
    case 'uint32':
      view.setUint32(0, value, true)
      return 4
    case 'int32':
      view.setInt32(0, value, true)
      return 4
    case 'float32':
      view.setFloat32(0, value, true)
      return 4
    case 'float64':
      view.setFloat64(0, value, true)
      return 8
    case 'uint64':
      view.setBigUint64(0, value, true)
      return 8
    case 'int64':
      view.setBigInt64(0, value, true)
      return 8
  }
}

function named(name: string): Uint8Array {
  const bytes = text(name)
  if (bytes.length > 8 + MAX_NAME_BYTES) throw malformed('a name is too long', name)
  return bytes
}

function text(value: string): Uint8Array {
  const bytes = utf8(value)
  return concat(uint64(bytes.length), bytes)
}

function uint32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer)
}

function uint64(value: number): Uint8Array {
  return new Uint8Array(BigUint64Array.of(BigInt(value)).buffer)
}

function malformed(why: string, found?: string): Error {
  return ggufError('GGUF_MALFORMED', why, found)
}
