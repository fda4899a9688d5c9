import { utf8 } from '@sotto/protocol/bytes'
import {
  countElements,
  type Datatype,
  elementBytes,
  isDatatype,
  joinByteElements,
  type NumericDatatype,
  toHalf,
} from '@sotto/protocol/tensors'
import type { SottoError } from '@sotto/protocol/errors'
import { clientError } from '../errors.ts'
import type { TensorArray, TensorElements, TensorInput } from './types.ts'

/** A tensor as it travels: little-endian, row-major. */
export interface RawTensor {
  readonly name: string
  readonly datatype: Datatype
  readonly shape: readonly number[]
  readonly data: Uint8Array
}

/** The datatype that the class of an array says. */
const DATATYPE_OF: Readonly<Record<string, Datatype | undefined>> = {
  Int8Array: 'INT8',
  Uint8Array: 'UINT8',
  Int16Array: 'INT16',
  Uint16Array: 'UINT16',
  Int32Array: 'INT32',
  Uint32Array: 'UINT32',
  BigInt64Array: 'INT64',
  BigUint64Array: 'UINT64',
  Float16Array: 'FP16',
  Float32Array: 'FP32',
  Float64Array: 'FP64',
}

/** Classes that hold the elements of a datatype as they travel, besides the one of its own. */
const ALSO: Readonly<Partial<Record<Datatype, string>>> = { BOOL: 'Uint8Array', FP16: 'Uint16Array' }

/** An input as raw data. @throws `REQUEST_INVALID` naming it, with expected and found */
export function toRaw(name: string, input: TensorInput): RawTensor {
  const { data, shape, datatype } = ArrayBuffer.isView(input)
    ? { data: input }
    : (input as Exclude<TensorInput, TensorArray>)
  const kind = datatype ?? kindOf(data, name)
  if (!isDatatype(kind)) throw invalid(name, 'no such datatype', { found: String(kind) })
  const sizes = shape === undefined ? [data.length] : [...shape]
  const count = countElements(sizes)
  if (count === undefined || count !== data.length)
    throw invalid(name, 'its shape does not fit its data', {
      expected: `${data.length} elements`,
      found: `[${sizes.join(', ')}]`,
    })
  return { name, datatype: kind, shape: sizes, data: bytesOf(name, kind, data) }
}

function kindOf(data: TensorArray | TensorElements, name: string): Datatype {
  const found = ArrayBuffer.isView(data) ? DATATYPE_OF[data.constructor.name] : undefined
  if (found === undefined) throw invalid(name, 'a list of elements needs a datatype')
  return found
}

function bytesOf(name: string, datatype: Datatype, data: TensorArray | TensorElements): Uint8Array {
  if (ArrayBuffer.isView(data)) {
    const kind = data.constructor.name
    if (DATATYPE_OF[kind] === datatype || ALSO[datatype] === kind) {
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      if (datatype === 'BOOL' && bytes.some((byte) => byte > 1))
        throw invalid(name, 'a truth value is 0 or 1')
      return bytes
    }
    if (datatype !== 'FP16' || kind !== 'Float32Array')
      throw invalid(name, 'its array is of another kind', { expected: datatype, found: kind })
    return new Uint8Array(Uint16Array.from(data as Float32Array, toHalf).buffer)
  }
  if (datatype === 'BYTES') return joinByteElements(data.map((element) => toBytes(name, element)))
  const width = elementBytes(datatype)!
  const out = new DataView(new ArrayBuffer(data.length * width))
  for (const [i, element] of data.entries())
    if (!WRITE[datatype](out, i * width, element))
      throw invalid(name, `element ${i} is not one of ${datatype}`)
  return new Uint8Array(out.buffer)
}

function toBytes(name: string, element: unknown): Uint8Array {
  if (element instanceof Uint8Array) return element
  if (typeof element === 'string' && element.isWellFormed()) return utf8(element)
  throw invalid(name, 'an element of BYTES is neither text nor a Uint8Array')
}

type Write = (out: DataView, at: number, element: unknown) => boolean

const WRITE: Readonly<Record<NumericDatatype, Write>> = {
  BOOL: (out, at, element) => {
    if (typeof element !== 'boolean') return false
    out.setUint8(at, element ? 1 : 0)
    return true
  },
  UINT8: integer(8, false, (out, at, value) => out.setUint8(at, Number(value))),
  INT8: integer(8, true, (out, at, value) => out.setInt8(at, Number(value))),
  UINT16: integer(16, false, (out, at, value) => out.setUint16(at, Number(value), true)),
  INT16: integer(16, true, (out, at, value) => out.setInt16(at, Number(value), true)),
  UINT32: integer(32, false, (out, at, value) => out.setUint32(at, Number(value), true)),
  INT32: integer(32, true, (out, at, value) => out.setInt32(at, Number(value), true)),
  UINT64: integer(64, false, (out, at, value) => out.setBigUint64(at, value, true)),
  INT64: integer(64, true, (out, at, value) => out.setBigInt64(at, value, true)),
  FP16: float((out, at, value) => out.setUint16(at, toHalf(value), true)),
  FP32: float((out, at, value) => out.setFloat32(at, value, true)),
  FP64: float((out, at, value) => out.setFloat64(at, value, true)),
}

function integer(
  bits: number,
  isSigned: boolean,
  set: (out: DataView, at: number, value: bigint) => void,
): Write {
  const least = isSigned ? -(2n ** BigInt(bits - 1)) : 0n
  const most = isSigned ? 2n ** BigInt(bits - 1) - 1n : 2n ** BigInt(bits) - 1n
  return (out, at, element) => {
    // A number beyond 2^53 was rounded before it came here.
    if (typeof element !== 'bigint' && !Number.isSafeInteger(element)) return false
    const value = BigInt(element as number | bigint)
    if (value < least || value > most) return false
    set(out, at, value)
    return true
  }
}

function float(set: (out: DataView, at: number, value: number) => void): Write {
  return (out, at, element) => {
    if (typeof element !== 'number') return false
    set(out, at, element)
    return true
  }
}

function invalid(
  name: string,
  message: string,
  more: { expected?: string; found?: string } = {},
): SottoError {
  return clientError('REQUEST_INVALID', `input ${JSON.stringify(name)}: ${message}`, more)
}
