import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import {
  countElements,
  elementBytes,
  isDatatype,
  isWholeTensor,
  joinByteElements,
  toHalf,
} from '@sotto/protocol/tensors'
import { bad, count, type Fields, list, object, text } from '../../fields.ts'
import type { Tensor, TensorInfo, TensorType } from '../../types.ts'
import type { ServerAnswer } from '../server-client.ts'

/** Tensors of one answer at most. */
const MAX_OUTPUTS = 256
/** Of an answer that stays in memory, this part at most is no tensor that was asked for. */
const MAX_REST = 1 / 8

/**
 * The outputs of a KServe v2 inference answer, JSON or with raw data behind it, in the order asked for; raw data is what lies
 * in `bytes`, or a copy where much of the answer is something else, which would stay in memory with it and be counted by
 * nobody. The server and whoever made its model control every byte. @throws `ENGINE_PROTOCOL`, what `hold` throws
 *
 * @param hold told how many bytes are copied, before they are
 */
export function decodeInferAnswer(
  { headers, bytes }: ServerAnswer,
  wanted: readonly string[] | undefined,
  hold: (bytes: number) => void = () => undefined,
): Tensor[] {
  const stated = headers['inference-header-content-length']
  const jsonLength = stated === undefined ? bytes.length : Number(stated)
  if (!Number.isSafeInteger(jsonLength) || jsonLength < 0 || jsonLength > bytes.length)
    throw bad('length of the JSON')
  const head = object(parseExact(bytes.subarray(0, jsonLength)))
  const outputs = list(head['outputs'], object)
  if (outputs.length > MAX_OUTPUTS) throw bad('too many outputs')
  let at = jsonLength
  const found = new Map<string, Tensor>()
  for (const output of outputs) {
    const { info, size } = headOf(output)
    const data = size === undefined ? fromJson(info, output['data']) : bytes.subarray(at, at + size)
    at += size ?? 0
    if (found.has(info.name) || !isWholeTensor({ ...info, data }))
      throw bad('an output does not fit what is said of it')
    found.set(info.name, { ...info, data })
  }
  if (at !== bytes.length) throw bad('bytes behind the outputs')
  const asked =
    wanted === undefined ? [...found.values()] : wanted.map((name) => found.get(name) ?? missing())
  return withoutRest(asked, bytes, hold)
}

function withoutRest(asked: Tensor[], { buffer }: Uint8Array, hold: (bytes: number) => void): Tensor[] {
  const views = new Set(asked.filter(({ data }) => data.buffer === buffer))
  const used = [...views].reduce((sum, { data }) => sum + data.length, 0)
  if (buffer.byteLength - used <= buffer.byteLength * MAX_REST) return asked
  hold(used)
  return asked.map((one) => (views.has(one) ? { ...one, data: one.data.slice() } : one))
}

/** Name, type and shape, of an answer or of a model's metadata. */
export function tensorInfo(f: Fields): TensorInfo {
  const { datatype } = f
  if (!isDatatype(datatype)) throw bad('a datatype that is not known here')
  const shape = list(f['shape'], (size) => {
    if (!Number.isSafeInteger(size) || (size as number) < -1) throw bad('shape')
    return size as number
  })
  return { name: text(f['name']), datatype, shape }
}

function headOf(f: Fields): { info: TensorInfo; size: number | undefined } {
  const parameters = f['parameters'] == null ? {} : object(f['parameters'])
  const size = parameters['binary_data_size']
  return { info: tensorInfo(f), size: size === undefined ? undefined : count(size) }
}

function fromJson({ datatype, shape }: TensorInfo, value: unknown): Uint8Array {
  const elements = countElements(shape)
  if (!Array.isArray(value) || elements === undefined) throw bad('data expected')
  const flat: unknown[] = value.flat(shape.length > 1 ? shape.length - 1 : 0)
  if (flat.length !== elements) throw bad('another number of elements than the shape says')
  if (datatype === 'BYTES') return joinByteElements(flat.map((one) => utf8(text(one).toWellFormed())))
  const width = elementBytes(datatype)!
  const view = new DataView(new ArrayBuffer(elements * width))
  for (const [index, one] of flat.entries()) put(view, datatype, index * width, one)
  return new Uint8Array(view.buffer)
}

const INTEGERS: Readonly<Partial<Record<TensorType, readonly [low: bigint, high: bigint]>>> = {
  UINT8: [0n, 255n],
  INT8: [-128n, 127n],
  UINT16: [0n, 65_535n],
  INT16: [-32_768n, 32_767n],
  UINT32: [0n, 2n ** 32n - 1n],
  INT32: [-(2n ** 31n), 2n ** 31n - 1n],
  UINT64: [0n, 2n ** 64n - 1n],
  INT64: [-(2n ** 63n), 2n ** 63n - 1n],
}

function put(view: DataView, datatype: TensorType, at: number, value: unknown): void {
  if (datatype === 'BOOL') {
    if (value !== true && value !== false && value !== 0 && value !== 1) throw bad('a truth value expected')
    view.setUint8(at, value ? 1 : 0)
    return
  }
  const range = INTEGERS[datatype]
  if (range === undefined) return putFloat(view, datatype, at, value)
  const whole =
    typeof value === 'bigint' ? value : BigInt(Number.isSafeInteger(value) ? (value as number) : notWhole())
  if (whole < range[0] || whole > range[1]) throw bad('a number outside its datatype')
  // The low bytes of the two's complement are those of every width.
  const bits = BigInt.asUintN(64, whole)
  for (let byte = 0; byte < elementBytes(datatype as 'INT8')!; byte++)
    view.setUint8(at + byte, Number((bits >> BigInt(8 * byte)) & 0xffn))
}

function putFloat(view: DataView, datatype: TensorType, at: number, value: unknown): void {
  const number = typeof value === 'bigint' ? Number(value) : value
  if (typeof number !== 'number') throw bad('a number expected')
  if (datatype === 'FP16') view.setUint16(at, toHalf(number), true)
  else if (datatype === 'FP32') view.setFloat32(at, number, true)
  else view.setFloat64(at, number, true)
}

type Exact = (key: string, value: unknown, context: { source?: string }) => unknown

/** JSON whose large integers are exact. */
function parseExact(bytes: Uint8Array): unknown {
  const revive: Exact = (_key, value, { source }) =>
    typeof value === 'number' &&
    !Number.isSafeInteger(value) &&
    source !== undefined &&
    /^-?\d{1,20}$/.test(source)
      ? BigInt(source)
      : value
  try {
    return JSON.parse(fromUtf8(bytes), revive as Parameters<typeof JSON.parse>[1]) as unknown
  } catch {
    throw bad('the model server answered something that is not JSON')
  }
}

function notWhole(): never {
  throw bad('a whole number expected')
}

function missing(): never {
  throw bad('an output that was asked for is missing')
}
