import { fromUtf8 } from '@sotto/protocol/bytes'
import {
  countElements,
  type Datatype,
  ELEMENT_ARRAYS,
  fromHalf,
  splitByteElements,
} from '@sotto/protocol/tensors'
import { clientError } from '../errors.ts'
import type { TensorArray, TensorOutput } from './types.ts'

/** Raw data as a tensor; undefined unless it is as long as the shape says. */
export function fromRaw(
  datatype: Datatype,
  shape: readonly number[],
  data: Uint8Array,
): TensorOutput | undefined {
  const count = countElements(shape)
  if (count === undefined) return undefined
  if (datatype === 'BYTES') {
    const elements = splitByteElements(data, count)
    return elements && { datatype, shape, data: elements }
  }
  const Kind = ELEMENT_ARRAYS[datatype]
  if (data.length !== count * Kind.BYTES_PER_ELEMENT) return undefined
  // A copy: the data may start at any offset of a larger message. Not by `slice`: a Buffer's shares its memory.
  const array = new Kind(new Uint8Array(data).buffer) as TensorArray
  return {
    datatype,
    shape,
    data: datatype === 'FP16' ? Float32Array.from(array as Uint16Array, fromHalf) : array,
  }
}

/** The elements of a BYTES tensor as text. @throws `RESPONSE_INVALID` for another datatype, and for bytes that are not UTF-8 */
export function textsOf({ datatype, data }: TensorOutput): string[] {
  if (datatype !== 'BYTES')
    throw clientError('RESPONSE_INVALID', 'this tensor holds no text', { expected: 'BYTES', found: datatype })
  try {
    return (data as readonly Uint8Array[]).map(fromUtf8)
  } catch (cause) {
    throw clientError('RESPONSE_INVALID', 'an element of this tensor is not UTF-8 text', { cause })
  }
}
