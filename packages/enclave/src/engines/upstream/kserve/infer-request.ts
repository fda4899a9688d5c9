import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { countElements, elementBytes, fromHalf, splitByteElements } from '@sotto/protocol/tensors'
import { engineError } from '../../errors.ts'
import type { InferRequest, Tensor } from '../../types.ts'
import { RawBody } from '../body.ts'

/**
 * Body of a KServe v2 inference request: raw data behind the JSON where the server knows the binary tensor extension, as it
 * lies in memory; else numbers in the JSON. @throws `ENGINE_INPUT` for a tensor whose data does not fit its shape, or has no form in JSON
 */
export function inferBody({ inputs, outputs }: InferRequest, isBinary: boolean): RawBody {
  for (const input of inputs) requireFit(input)
  const wanted = outputs?.map((name) => ({ name, ...(isBinary && { parameters: { binary_data: true } }) }))
  const head = {
    inputs: inputs.map((input) => ({
      name: input.name,
      datatype: input.datatype,
      shape: input.shape,
      ...(isBinary ? { parameters: { binary_data_size: input.data.length } } : { data: elements(input) }),
    })),
    ...(wanted && { outputs: wanted }),
    ...(isBinary && !wanted && { parameters: { binary_data_output: true } }),
  }
  const json = utf8(JSON.stringify(head))
  if (!isBinary) return new RawBody([json], { 'content-type': 'application/json' })
  return new RawBody([json, ...inputs.map(({ data }) => data)], {
    'content-type': 'application/octet-stream',
    'inference-header-content-length': `${json.length}`,
  })
}

/** Exact integers for JSON, however large (TC39 JSON.parse source text access). */
const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown }

function elements({ datatype, shape, data }: Tensor): unknown[] {
  if (datatype === 'BYTES') return splitByteElements(data, countElements(shape)!)!.map(toText)
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const width = elementBytes(datatype)!
  return Array.from({ length: data.length / width }, (_, index) => element(view, datatype, index * width))
}

function element(view: DataView, datatype: Tensor['datatype'], at: number): unknown {
  switch (datatype) {
    case 'BOOL':
      return view.getUint8(at) !== 0
    case 'UINT8':
      return view.getUint8(at)
    case 'INT8':
      return view.getInt8(at)
    case 'UINT16':
      return view.getUint16(at, true)
    case 'INT16':
      return view.getInt16(at, true)
    case 'UINT32':
      return view.getUint32(at, true)
    case 'INT32':
      return view.getInt32(at, true)
    case 'UINT64':
      return rawJSON(`${view.getBigUint64(at, true)}`)
    case 'INT64':
      return rawJSON(`${view.getBigInt64(at, true)}`)
    case 'FP16':
      return finite(fromHalf(view.getUint16(at, true)))
    case 'FP32':
      return finite(view.getFloat32(at, true))
    default:
      return finite(view.getFloat64(at, true))
  }
}

function finite(value: number): number {
  if (Number.isFinite(value)) return value
  throw engineError('ENGINE_INPUT', 'the server of this model takes no infinite values and no NaN')
}

function toText(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes)
  } catch {
    throw engineError('ENGINE_INPUT', 'the server of this model takes no bytes that are not UTF-8')
  }
}

function requireFit({ datatype, shape, data }: Tensor): void {
  const count = countElements(shape)
  const width = elementBytes(datatype)
  const fits =
    count !== undefined &&
    (width === undefined ? splitByteElements(data, count) !== undefined : data.length === count * width)
  if (!fits) throw engineError('ENGINE_INPUT', 'the data of a tensor does not fit its shape')
}
