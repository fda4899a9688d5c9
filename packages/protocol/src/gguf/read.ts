import { ggufError } from './errors.ts'
import { readGgufHeader, type TensorPlace } from './header.ts'
import { DEFAULT_ALIGNMENT, MAX_ALIGNMENT } from './limits.ts'
import { tensorBytes, tensorTypeOf } from './tensor-types.ts'
import type { GgufFile, GgufTensor, GgufValue } from './types.ts'

/** Key of the number that positions of tensors are multiples of. */
export const ALIGNMENT = 'general.alignment'

/**
 * Reads a GGUF file. Tensors lie one after the other in the order of the header, each at the next multiple of the
 * alignment, and nothing follows the last: what llama.cpp demands too. Nothing is copied.
 *
 * @throws `GGUF_MALFORMED`; `GGUF_UNSUPPORTED` for a tensor of other numbers than are read here
 */
export function parseGguf(bytes: Uint8Array): GgufFile {
  const read = (position: number, length: number): Uint8Array => bytes.subarray(position, position + length)
  const { entries, tensors, end } = readGgufHeader(read, bytes.length)
  const metadata = new Map(entries)
  if (metadata.size < entries.length) throw malformed('a key is there twice')
  const alignment = alignmentOf(metadata.get(ALIGNMENT))
  const start = aligned(end, alignment)
  const names = new Set<string>()
  let next = start
  let last = end
  const found = tensors.map((place): GgufTensor => {
    const { name, offset } = place
    if (name === '' || names.has(name)) throw malformed('a tensor has no name of its own', name)
    names.add(name)
    const dims = dimsOf(place)
    const type = tensorTypeOf(place.type, name)
    const length = tensorBytes(type, dims, name)
    if (start + offset !== next) throw malformed('a tensor does not follow the one before it', name)
    if (length > bytes.length - next) throw malformed('a tensor is longer than the file', name)
    const data = bytes.subarray(next, next + length)
    last = next + length
    next = aligned(last, alignment)
    return { name, type, dims, data }
  })
  // Writers fill up behind the last tensor, or do not.
  if (bytes.length < last || bytes.length > aligned(last, alignment))
    throw malformed('file does not end where its tensors do')
  return { metadata, tensors: found }
}

/** The next position that is a multiple of the alignment. */
export function aligned(position: number, alignment: number): number {
  return Math.ceil(position / alignment) * alignment
}

/** @throws `GGUF_MALFORMED` for one that is no power of two, or out of bounds */
export function alignmentOf(value: GgufValue | undefined): number {
  if (value === undefined) return DEFAULT_ALIGNMENT
  const { type } = value
  const found = type === 'uint32' ? value.value : 0
  if (found < 8 || found > MAX_ALIGNMENT || (found & (found - 1)) !== 0)
    throw malformed('alignment is no power of two from 8 to 65536')
  return found
}

function dimsOf({ sizes, name }: TensorPlace): number[] {
  if (sizes.includes(0)) throw malformed('a tensor is empty', name)
  return sizes.toReversed()
}

function malformed(why: string, found?: string): Error {
  return ggufError('GGUF_MALFORMED', why, found)
}
