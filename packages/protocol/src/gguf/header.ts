import { ggufError } from './errors.ts'
import { MAX_DIMENSIONS, MAX_ENTRIES, MAX_NAME_BYTES, MAX_TENSORS } from './limits.ts'
import { GgufReader, type ReadAt } from './reader.ts'
import type { GgufValue } from './types.ts'

/** Where a tensor is said to lie, and what it is. */
export interface TensorPlace {
  readonly name: string
  /** As the file has them: what lies together first. */
  readonly sizes: readonly number[]
  /** Product of the sizes, an exact number. */
  readonly elements: number
  /** `ggml_type`, of which not all are known here. */
  readonly type: number
  /** From the beginning of the data. */
  readonly offset: number
}

/** What stands before the data. */
export interface GgufHeader {
  /** Entries of metadata that were asked for, in order; a file may have a key twice. */
  readonly entries: readonly (readonly [key: string, value: GgufValue])[]
  readonly tensors: readonly TensorPlace[]
  /** Where the header ends; data begin at the next multiple of the alignment. */
  readonly end: number
}

const MAGIC = [0x47, 0x47, 0x55, 0x46]

/**
 * Reads the header of a GGUF file (versions 2 and 3: magic, counts, metadata, tensors) and refuses one whose numbers do
 * not fit the file. Whoever made the model controls every byte.
 * https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 *
 * @param wants whether the value of a key is kept; others are walked over. Default: all
 * @throws `GGUF_MALFORMED`
 */
export function readGgufHeader(
  read: ReadAt,
  size: number,
  wants: (key: string) => boolean = () => true,
): GgufHeader {
  const reader = new GgufReader(read, size)
  const magic = reader.take(4)
  if (!MAGIC.every((byte, at) => magic[at] === byte)) throw malformed('it does not begin like one')
  const version = reader.uint32()
  if (version !== 2 && version !== 3) throw malformed('its version is neither 2 nor 3')
  const tensorCount = reader.count(MAX_TENSORS, 'tensors')
  const entryCount = reader.count(MAX_ENTRIES, 'entries of metadata')
  const entries: [string, GgufValue][] = []
  for (let entry = 0; entry < entryCount; entry++) {
    const key = reader.string(MAX_NAME_BYTES)
    const type = reader.uint32()
    if (wants(key)) entries.push([key, reader.value(type)])
    else reader.skipValue(type)
  }
  const tensors: TensorPlace[] = []
  for (let tensor = 0; tensor < tensorCount; tensor++) tensors.push(readPlace(reader))
  const end = reader.position
  if (tensors.some(({ offset }) => offset > size - end))
    throw malformed('a tensor lies behind the end of the file')
  return { entries, tensors, end }
}

function readPlace(reader: GgufReader): TensorPlace {
  const name = reader.string(MAX_NAME_BYTES)
  const dimensions = reader.uint32()
  if (dimensions > MAX_DIMENSIONS) throw malformed('a tensor has too many dimensions')
  const sizes = Array.from({ length: dimensions }, () => reader.uint64())
  const elements = sizes.reduce((product, size) => product * size, 1)
  if (!Number.isSafeInteger(elements)) throw malformed('a tensor is larger than any file')
  return { name, sizes, elements, type: reader.uint32(), offset: reader.uint64() }
}

function malformed(why: string): Error {
  return ggufError('GGUF_MALFORMED', why)
}
