import { encodeScalar, type GgufFile, type GgufTensor, type GgufValue } from '@sotto/protocol/gguf'

/** A tensor of f32, or of bytes as they are. */
export function tensor(
  name: string,
  dims: readonly number[],
  values: ArrayLike<number>,
  type: GgufTensor['type'] = 'f32',
): GgufTensor {
  const data = type === 'f32' ? new Uint8Array(Float32Array.from(values).buffer) : Uint8Array.from(values)
  return { name, type, dims, data }
}

/** A list of texts. */
export function words(...values: readonly string[]): GgufValue {
  const items = values.map((value) => encodeScalar({ type: 'string', value }))
  return {
    type: 'list',
    of: 'string',
    count: values.length,
    items: Uint8Array.from(items.flatMap((item) => [...item])),
  }
}

/** A file with a bit of everything. */
export const SAMPLE: GgufFile = {
  metadata: new Map<string, GgufValue>([
    ['general.architecture', { type: 'string', value: 'llama' }],
    ['a.byte', { type: 'uint8', value: 7 }],
    ['a.real', { type: 'float32', value: 0.5 }],
    ['a.double', { type: 'float64', value: 1e300 }],
    ['a.truth', { type: 'bool', value: true }],
    ['a.long', { type: 'int64', value: -5n }],
    ['a.list', words('one', '', 'three')],
    ['a.numbers', { type: 'list', of: 'uint16', count: 2, items: Uint8Array.of(1, 0, 2, 0) }],
  ]),
  tensors: [
    tensor('first', [2, 3], [1, 2, 3, 4, 5, 6]),
    tensor('second', [], [9]),
    tensor('half', [3], [0, 0x3c, 0, 0xc0, 1, 0], 'f16'),
    tensor('brain', [2], [0x80, 0x3f, 0x00, 0xc0], 'bf16'),
  ],
}
