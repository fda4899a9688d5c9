import { concat, fromUtf8, utf8 } from '@sotto/protocol/bytes'
import {
  countElements,
  type Datatype,
  elementBytes,
  joinByteElements,
  splitByteElements,
} from '@sotto/protocol/tensors'
import type { SottoError } from '@sotto/protocol/errors'
import { clientError } from '../errors.ts'
import { type NpyHeader, parseNpyHeader, writeNpyHeader } from './npy-header.ts'

/** An array of a .npy file; `data` is raw: little-endian, row-major, BYTES with lengths. */
export interface NpyArray {
  readonly datatype: Datatype
  readonly shape: readonly number[]
  readonly data: Uint8Array
}

const MAGIC = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59)
const DESCRIPTORS: Readonly<Record<string, Datatype | undefined>> = {
  b1: 'BOOL',
  u1: 'UINT8',
  u2: 'UINT16',
  u4: 'UINT32',
  u8: 'UINT64',
  i1: 'INT8',
  i2: 'INT16',
  i4: 'INT32',
  i8: 'INT64',
  f2: 'FP16',
  f4: 'FP32',
  f8: 'FP64',
}

/**
 * Parses a NumPy file (NEP 1, versions 1 to 3) of numbers, truth values or text. Pickled objects, records and
 * Fortran order are refused. Whoever wrote the file controls it.
 *
 * @throws `NPY_MALFORMED`
 */
export function parseNpy(file: Uint8Array): NpyArray {
  const [major = 0, minor = 0] = file.subarray(MAGIC.length, MAGIC.length + 2)
  const lengthBytes = major === 1 ? 2 : 4
  const start = MAGIC.length + 2 + lengthBytes
  if (
    !MAGIC.every((byte, i) => file[i] === byte) ||
    major < 1 ||
    major > 3 ||
    minor !== 0 ||
    file.length < start
  )
    throw malformed('it does not begin like a NumPy file of version 1, 2 or 3')
  const view = new DataView(file.buffer, file.byteOffset)
  const length = major === 1 ? view.getUint16(start - 2, true) : view.getUint32(start - 4, true)
  if (length > file.length - start || length > MAX_HEADER_BYTES)
    throw malformed('its header is cut or too long')
  const header = parseNpyHeader(file.subarray(start, start + length))
  if (header === undefined)
    throw malformed(
      'its header is none of a plain array',
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }",
    )
  return arrayOf(header, file.subarray(start + length))
}

/** A .npy file (version 1.0) of an array. BYTES become fixed-width Unicode text. @throws `NPY_MALFORMED` BYTES that are no such text */
export function writeNpy({ datatype, shape, data }: NpyArray): Uint8Array {
  const header = { order: '<', kind: '', size: 0, shape } as const
  if (datatype === 'BYTES') return writeText(shape, data)
  const descriptor = Object.keys(DESCRIPTORS).find((name) => DESCRIPTORS[name] === datatype)!
  const order = elementBytes(datatype) === 1 ? '|' : '<'
  return concat(
    MAGIC,
    writeNpyHeader({ ...header, order, kind: descriptor[0]!, size: Number(descriptor.slice(1)) }),
    data,
  )
}

/** Bytes of a header at most: a shape of 16 dimensions has 400. */
const MAX_HEADER_BYTES = 65_536
/** Characters in NumPy's text are 4 bytes each. */
const CHARACTER_BYTES = 4
const MAX_CODE_POINT = 0x10ffff

function arrayOf({ order, kind, size, shape }: NpyHeader, data: Uint8Array): NpyArray {
  const count = countElements(shape)
  const width = kind === 'U' ? size * CHARACTER_BYTES : size
  if (count === undefined || data.length !== count * width)
    throw malformed('its data is not as long as its shape says', `${shape.join(' × ')} × ${width} bytes`)
  if (kind === 'S' || kind === 'U') {
    const elements = Array.from({ length: count }, (_, i) => data.subarray(i * width, (i + 1) * width))
    const texts = elements.map((element) =>
      kind === 'S' ? trimmed(element, 1) : utf8(textOf(element, order)),
    )
    return { datatype: 'BYTES', shape, data: joinByteElements(texts) }
  }
  const datatype = DESCRIPTORS[kind + String(size)]
  if (datatype === undefined)
    throw malformed('its elements are of a kind that no model takes', 'numbers, truth values, text')
  if (datatype === 'BOOL' && data.some((byte) => byte > 1))
    throw malformed('a truth value is neither 0 nor 1')
  return { datatype, shape, data: order === '>' ? swapped(data, size) : new Uint8Array(data) }
}

/** NumPy fills text with zeros, which are no part of it. */
function trimmed(element: Uint8Array, width: number): Uint8Array {
  let end = element.length
  while (end > 0 && element.subarray(end - width, end).every((byte) => byte === 0)) end -= width
  return element.subarray(0, end)
}

function textOf(element: Uint8Array, order: string): string {
  const used = trimmed(element, CHARACTER_BYTES)
  const view = new DataView(used.buffer, used.byteOffset, used.byteLength)
  let text = ''
  for (let at = 0; at < used.length; at += CHARACTER_BYTES) {
    const code = view.getUint32(at, order !== '>')
    if (code > MAX_CODE_POINT || (code >= 0xd800 && code <= 0xdfff))
      throw malformed('a character is none of Unicode')
    text += String.fromCodePoint(code)
  }
  return text
}

function writeText(shape: readonly number[], data: Uint8Array): Uint8Array {
  const elements = splitByteElements(data, countElements(shape) ?? -1) ?? []
  let texts: string[]
  try {
    texts = elements.map(fromUtf8)
  } catch (cause) {
    throw malformed('bytes that are not UTF-8 have no form in NumPy text', undefined, cause)
  }
  if (texts.some((text) => text.endsWith('\0'))) throw malformed('NumPy text cannot end in a zero character')
  const codes = texts.map((text) => Array.from(text, (character) => character.codePointAt(0)!))
  // NumPy has no text of no width.
  const size = codes.reduce((most, { length }) => Math.max(most, length), 1)
  const out = new Uint32Array(codes.length * size)
  for (const [i, code] of codes.entries()) out.set(code, i * size)
  return concat(MAGIC, writeNpyHeader({ order: '<', kind: 'U', size, shape }), new Uint8Array(out.buffer))
}

function swapped(data: Uint8Array, width: number): Uint8Array {
  const out = new Uint8Array(data.length)
  for (let at = 0; at < data.length; at += width) out.set(data.subarray(at, at + width).toReversed(), at)
  return out
}

function malformed(message: string, expected?: string, cause?: unknown): SottoError {
  return clientError('NPY_MALFORMED', `not an array that can be read: ${message}`, {
    hint: 'save it with numpy.save(file, numpy.ascontiguousarray(array))',
    ...(expected !== undefined && { expected }),
    ...(cause !== undefined && { cause }),
  })
}
