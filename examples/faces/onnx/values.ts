import { bytesField, concat, numberField } from './protobuf.ts'

/** Writes the messages of onnx.proto that hold values: tensors, ports, attributes. */

/** Element types of TensorProto. */
export const FLOAT = 1
export const UINT8 = 2
export const INT64 = 7
export const STRING = 8

/** What an initializer holds. */
export type Values = Float32Array | BigInt64Array | readonly string[]

/** TensorProto. */
export function tensor(name: string, dims: readonly number[], values: Values): Uint8Array {
  const type = values instanceof Float32Array ? FLOAT : values instanceof BigInt64Array ? INT64 : STRING
  return concat([
    ...dims.map((size) => numberField(1, size)),
    numberField(2, type),
    ...(ArrayBuffer.isView(values)
      ? [bytesField(9, new Uint8Array(values.buffer, values.byteOffset, values.byteLength))]
      : values.map((text) => bytesField(6, text))),
    bytesField(8, name),
  ])
}

/** ValueInfoProto of a tensor. */
export function port(name: string, type: number, dims: readonly number[]): Uint8Array {
  const shape = dims.map((size) => bytesField(1, numberField(1, size)))
  return concat([
    bytesField(1, name),
    bytesField(2, bytesField(1, numberField(1, type), bytesField(2, ...shape))),
  ])
}

/** AttributeProto of an integer or of integers. */
export function attribute(name: string, value: number | readonly number[]): Uint8Array {
  const content =
    typeof value === 'number'
      ? [numberField(3, value), numberField(20, 2)]
      : [...value.map((one) => numberField(8, one)), numberField(20, 7)]
  return concat([bytesField(1, name), ...content])
}

/** NodeProto. */
export function node(
  operator: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, number | readonly number[]>> = {},
): Uint8Array {
  return concat([
    ...inputs.map((name) => bytesField(1, name)),
    ...outputs.map((name) => bytesField(2, name)),
    bytesField(4, operator),
    ...Object.entries(attributes).map(([name, value]) => bytesField(5, attribute(name, value))),
  ])
}
