import { fromUtf8 } from '@sotto/protocol/bytes'
import {
  countElements,
  elementBytes,
  fromHalf,
  type NumericDatatype,
  splitByteElements,
} from '@sotto/protocol/tensors'
import type { Tensor } from '../../engines/types.ts'

/** Elements written as one piece of text. */
const PIECE_ELEMENTS = 8192

type Write = (data: DataView, at: number) => string

/** A number as JSON; a float becomes the shortest text of the double with the same value, so nothing is rounded. */
const WRITERS: Readonly<Record<NumericDatatype, Write>> = {
  BOOL: (data, at) => (data.getUint8(at) === 0 ? 'false' : 'true'),
  UINT8: (data, at) => `${data.getUint8(at)}`,
  INT8: (data, at) => `${data.getInt8(at)}`,
  UINT16: (data, at) => `${data.getUint16(at, true)}`,
  INT16: (data, at) => `${data.getInt16(at, true)}`,
  UINT32: (data, at) => `${data.getUint32(at, true)}`,
  INT32: (data, at) => `${data.getInt32(at, true)}`,
  UINT64: (data, at) => `${data.getBigUint64(at, true)}`,
  INT64: (data, at) => `${data.getBigInt64(at, true)}`,
  FP16: (data, at) => float(fromHalf(data.getUint16(at, true))),
  FP32: (data, at) => float(data.getFloat32(at, true)),
  FP64: (data, at) => float(data.getFloat64(at, true)),
}

/** `-0` would come back from some parsers as the integer 0. */
function float(value: number): string {
  return Object.is(value, -0) ? '-0.0' : `${value}`
}

/** Whether every element has a form in JSON: finite numbers, and text that is UTF-8. */
export function fitsJson(tensor: Tensor): boolean {
  const { datatype, data } = tensor
  if (datatype === 'BYTES') return elementsOf(tensor).every(isText)
  const view = viewOf(data)
  const width = elementBytes(datatype)!
  if (datatype === 'FP16') return every(data, width, (at) => (view.getUint16(at, true) & 0x7c00) !== 0x7c00)
  if (datatype === 'FP32') return every(data, width, (at) => Number.isFinite(view.getFloat32(at, true)))
  return datatype !== 'FP64' || every(data, width, (at) => Number.isFinite(view.getFloat64(at, true)))
}

/** The elements of a tensor that {@link fitsJson} as one flat JSON array, in pieces. */
export function* writeJsonData(tensor: Tensor): Generator<string> {
  yield '['
  if (tensor.datatype === 'BYTES') {
    for (const [index, element] of elementsOf(tensor).entries())
      yield `${index === 0 ? '' : ','}${JSON.stringify(fromUtf8(element))}`
  } else {
    const write = WRITERS[tensor.datatype]
    const view = viewOf(tensor.data)
    const width = elementBytes(tensor.datatype)!
    for (let start = 0; start < view.byteLength; start += PIECE_ELEMENTS * width) {
      const words: string[] = []
      const end = Math.min(view.byteLength, start + PIECE_ELEMENTS * width)
      for (let at = start; at < end; at += width) words.push(write(view, at))
      yield (start === 0 ? '' : ',') + words.join(',')
    }
  }
  yield ']'
}

function elementsOf({ shape, data }: Tensor): Uint8Array[] {
  return splitByteElements(data, countElements(shape)!)!
}

function every(data: Uint8Array, width: number, holds: (at: number) => boolean): boolean {
  for (let at = 0; at < data.length; at += width) if (!holds(at)) return false
  return true
}

function isText(bytes: Uint8Array): boolean {
  try {
    fromUtf8(bytes)
    return true
  } catch {
    return false
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}
