import { field, node, number, varint } from '../../engines/onnx/build-model.ts'

/** Element types of onnx.proto. */
export const ELEMENT = {
  float: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  double: 11,
  uint32: 12,
  uint64: 13,
} as const
type Element = (typeof ELEMENT)[keyof typeof ELEMENT]

/** TensorProto of raw data, or of strings. */
export function tensor(
  name: string,
  type: Element,
  dims: number[],
  data: Uint8Array | readonly string[],
): number[] {
  return [
    ...dims.flatMap((size) => number(1, size)),
    ...number(2, type),
    ...(data instanceof Uint8Array ? field(9, data) : data.flatMap((text) => field(6, text))),
    ...field(8, name),
  ]
}

export const floats = (name: string, dims: number[], values: readonly number[]): number[] =>
  tensor(name, ELEMENT.float, dims, new Uint8Array(Float32Array.from(values).buffer))
export const int64s = (name: string, dims: number[], values: readonly number[]): number[] =>
  tensor(name, ELEMENT.int64, dims, new Uint8Array(BigInt64Array.from(values, BigInt).buffer))

/** ValueInfoProto; undefined sizes are free. */
export function port(name: string, type: Element, dims: readonly (number | undefined)[]): number[] {
  const shape = dims.flatMap((size, i) =>
    field(1, size === undefined ? field(2, `${name}${i}`) : number(1, size)),
  )
  return [...field(1, name), ...field(2, field(1, [...number(1, type), ...field(2, shape)]))]
}

/** AttributeProto with one integer, or a graph. */
export function attribute(name: string, value: number | readonly number[]): number[] {
  const content =
    typeof value === 'number'
      ? [...number(3, value), ...number(20, 2)]
      : [...field(6, value), ...number(20, 5)]
  return field(5, [...field(1, name), ...content])
}

interface Graph {
  nodes: readonly (readonly number[])[]
  initializers?: readonly (readonly number[])[]
  inputs: readonly (readonly number[])[]
  outputs: readonly (readonly number[])[]
}

/** GraphProto. */
export function graph({ nodes, initializers = [], inputs, outputs }: Graph): number[] {
  return [
    ...nodes.flatMap((node) => field(1, node)),
    ...field(2, 'g'),
    ...initializers.flatMap((value) => field(5, value)),
    ...inputs.flatMap((value) => field(11, value)),
    ...outputs.flatMap((value) => field(12, value)),
  ]
}

/** ModelProto of opset 17. */
export function onnx(parts: Graph): Uint8Array {
  return Uint8Array.from([...varint(8), 8, ...field(7, graph(parts)), ...field(8, number(2, 17))])
}

/** A model that answers with what it is given: an input `in_T` and an output `out_T`, of any length, for each element type. */
export function echo(): Uint8Array {
  const types = Object.entries(ELEMENT)
  return onnx({
    inputs: types.map(([name, type]) => port(`in_${name}`, type, [undefined])),
    outputs: types.map(([name, type]) => port(`out_${name}`, type, [undefined])),
    nodes: types.map(([name]) => node('Identity', [`in_${name}`], [`out_${name}`])),
  })
}
