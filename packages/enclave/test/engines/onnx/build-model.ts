/** A little protobuf writer, to make small and malicious ONNX models. */

type Part = readonly number[] | Uint8Array

export function varint(value: number): number[] {
  const out: number[] = []
  let rest = BigInt(value)
  for (; rest >= 128n; rest >>= 7n) out.push(Number(rest & 127n) | 128)
  return [...out, Number(rest)]
}

/** A length-delimited field. */
export function field(number: number, ...parts: readonly (Part | string)[]): number[] {
  const body = parts.flatMap((part) => [...(typeof part === 'string' ? Buffer.from(part) : part)])
  return [...varint(number * 8 + 2), ...varint(body.length), ...body]
}

/** A varint field. */
export function number(at: number, value: number): number[] {
  return [...varint(at * 8), ...varint(value)]
}

/** StringStringEntryProto in `external_data` of a TensorProto. */
export function externalEntry(key: string, value: string): number[] {
  return field(13, field(1, key), field(2, value))
}

/** A float TensorProto of one element whose value lies elsewhere. */
export function externalTensor(name: string, location: string): number[] {
  return [
    ...number(1, 1),
    ...number(2, 1),
    ...field(8, name),
    ...externalEntry('location', location),
    ...number(14, 1),
  ]
}

function valueInfo(name: string): number[] {
  // TypeProto.tensor_type: float, shape [1].
  const shape = field(2, field(1, number(1, 1)))
  return [...field(1, name), ...field(2, field(1, number(1, 1), shape))]
}

/** NodeProto of an operator. */
export function node(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  ...more: Part[]
): number[] {
  return [
    ...inputs.flatMap((name) => field(1, name)),
    ...outputs.flatMap((name) => field(2, name)),
    ...field(4, op),
    ...more.flatMap((part) => [...part]),
  ]
}

/** ModelProto with one graph of these parts (already tagged) and the float input `x` and output `y`, both `[1]`. */
export function model(...graphParts: readonly Part[]): Uint8Array {
  const graph = [
    ...graphParts.flatMap((part) => [...part]),
    ...field(2, 'g'),
    ...field(11, valueInfo('x')),
    ...field(12, valueInfo('y')),
  ]
  return Uint8Array.from([...number(1, 8), ...field(7, graph), ...field(8, number(2, 17))])
}
