import { fromHalf } from '../tensors/index.ts'
import { blockOf } from './tensor-types.ts'
import type { GgufTensor } from './types.ts'

/** All numbers of binary16, by their bits. */
let halves: Float32Array | undefined

/**
 * Numbers of a tensor as floats: exact for f32, f16 and bf16; of quantised ones (`dequantize_row_q4_0`, `_q8_0` of ggml)
 * what they stand for, each product rounded once.
 */
export function ggufFloats({ type, data }: Pick<GgufTensor, 'type' | 'data'>): Float32Array {
  switch (type) {
    case 'f32':
      return new Float32Array(copied(data))
    case 'f16': {
      const all = halfTable()
      return Float32Array.from(new Uint16Array(copied(data)), (bits) => all[bits]!)
    }
    case 'bf16': {
      const bits = Uint32Array.from(new Uint16Array(copied(data)), (half) => half * 0x1_0000)
      return new Float32Array(bits.buffer)
    }
    case 'q8_0':
    case 'q4_0':
      return type === 'q8_0' ? ofQ8(data) : ofQ4(data)
  }
}

/** Blocks of a scale and 32 signed bytes. */
function ofQ8(data: Uint8Array): Float32Array {
  const { elements, bytes } = blockOf('q8_0')
  const out = new Float32Array((data.length / bytes) * elements)
  const all = halfTable()
  for (let from = 0, to = 0; from < data.length; from += bytes, to += elements) {
    const scale = all[data[from]! | (data[from + 1]! << 8)]!
    for (let at = 0; at < elements; at++) out[to + at] = scale * ((data[from + 2 + at]! << 24) >> 24)
  }
  return out
}

/** Blocks of a scale and 16 bytes: their low halves are the first 16 numbers, the high ones the others, each minus 8. */
function ofQ4(data: Uint8Array): Float32Array {
  const { elements, bytes } = blockOf('q4_0')
  const half = elements / 2
  const out = new Float32Array((data.length / bytes) * elements)
  const all = halfTable()
  for (let from = 0, to = 0; from < data.length; from += bytes, to += elements) {
    const scale = all[data[from]! | (data[from + 1]! << 8)]!
    for (let at = 0; at < half; at++) {
      const pair = data[from + 2 + at]!
      out[to + at] = scale * ((pair & 15) - 8)
      out[to + half + at] = scale * ((pair >> 4) - 8)
    }
  }
  return out
}

/** The bytes from the beginning of a buffer of their own: those of a file begin anywhere, typed arrays do not. */
function copied(data: Uint8Array): ArrayBuffer {
  return new Uint8Array(data).buffer
}

function halfTable(): Float32Array {
  halves ??= Float32Array.from({ length: 65_536 }, (_, bits) => fromHalf(bits))
  return halves
}
