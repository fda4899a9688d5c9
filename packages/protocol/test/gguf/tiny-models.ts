import type { GgufFile, GgufTensor, GgufValue } from '@sotto/protocol/gguf'
import { spread } from '../train-graph/run-graph.ts'

/** Sizes of a model of two blocks that fits any test. */
export const TINY = { context: 16, width: 8, heads: 4, keys: 2, feedForward: 12, vocabulary: 11 } as const

type Sizes = { -readonly [Key in keyof typeof TINY]: number }

const whole = (value: number): GgufValue => ({ type: 'uint32', value })

/** Weights around 0, the same each time: norms around 1. */
function weights(entries: readonly (readonly [name: string, dims: readonly number[]])[]): GgufTensor[] {
  return entries.map(([name, dims], at) => {
    const count = dims.reduce((product, size) => product * size, 1)
    const centre = name.endsWith('norm.weight') ? 1 : 0
    const scale = 0.8 / Math.sqrt(dims.at(-1)!) / (0.1 * count)
    const values = spread(count, at + 1).map((value) => centre + value * scale)
    return { name, type: 'f32', dims, data: new Uint8Array(Float32Array.from(values).buffer) }
  })
}

/** A model of the architecture `llama`. */
export function tinyLlama(over: Partial<Sizes> = {}): GgufFile {
  const { context, width, heads, keys, feedForward, vocabulary } = { ...TINY, ...over }
  const keyWidth = (width / heads) * keys
  const blocks = [0, 1].flatMap((block): [string, number[]][] => {
    const at = (name: string): string => `blk.${block}.${name}.weight`
    return [
      [at('attn_norm'), [width]],
      [at('attn_q'), [width, width]],
      [at('attn_k'), [keyWidth, width]],
      [at('attn_v'), [keyWidth, width]],
      [at('attn_output'), [width, width]],
      [at('ffn_norm'), [width]],
      [at('ffn_gate'), [feedForward, width]],
      [at('ffn_up'), [feedForward, width]],
      [at('ffn_down'), [width, feedForward]],
    ]
  })
  return {
    metadata: new Map<string, GgufValue>([
      ['general.architecture', { type: 'string', value: 'llama' }],
      ['llama.context_length', whole(context)],
      ['llama.embedding_length', whole(width)],
      ['llama.block_count', whole(2)],
      ['llama.feed_forward_length', whole(feedForward)],
      ['llama.attention.head_count', whole(heads)],
      ['llama.attention.head_count_kv', whole(keys)],
      ['llama.attention.layer_norm_rms_epsilon', { type: 'float32', value: 1e-5 }],
      ['llama.rope.dimension_count', whole(width / heads)],
    ]),
    tensors: weights([
      ['token_embd.weight', [vocabulary, width]],
      ...blocks,
      ['output_norm.weight', [width]],
      ['output.weight', [vocabulary, width]],
    ]),
  }
}

/** A model of the architecture `gpt2`, whose head is its embedding. */
export function tinyGpt2(over: Partial<Sizes> = {}): GgufFile {
  const { context, width, heads, feedForward, vocabulary } = { ...TINY, ...over }
  const blocks = [0, 1].flatMap((block): [string, number[]][] => {
    const at = (name: string): string => `blk.${block}.${name}`
    return [
      ...norm(at('attn_norm'), width),
      ...linear(at('attn_qkv'), 3 * width, width),
      ...linear(at('attn_output'), width, width),
      ...norm(at('ffn_norm'), width),
      ...linear(at('ffn_up'), feedForward, width),
      ...linear(at('ffn_down'), width, feedForward),
    ]
  })
  return {
    metadata: new Map<string, GgufValue>([
      ['general.architecture', { type: 'string', value: 'gpt2' }],
      ['gpt2.context_length', whole(context)],
      ['gpt2.embedding_length', whole(width)],
      ['gpt2.block_count', whole(2)],
      ['gpt2.feed_forward_length', whole(feedForward)],
      ['gpt2.attention.head_count', whole(heads)],
      ['gpt2.attention.layer_norm_epsilon', { type: 'float32', value: 1e-5 }],
    ]),
    tensors: weights([
      ['token_embd.weight', [vocabulary, width]],
      ['position_embd.weight', [context, width]],
      ...blocks,
      ...norm('output_norm', width),
    ]),
  }
}

function linear(module: string, outputs: number, inputs: number): [string, number[]][] {
  return [
    [`${module}.weight`, [outputs, inputs]],
    [`${module}.bias`, [outputs]],
  ]
}

function norm(module: string, width: number): [string, number[]][] {
  return [
    [`${module}.weight`, [width]],
    [`${module}.bias`, [width]],
  ]
}
