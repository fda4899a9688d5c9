import type { GgufFile, GgufTensor, GgufValue } from '@sotto/protocol/gguf'
import { encodeOnnx } from '@sotto/protocol/onnx'
import {
  addLora,
  buildEvaluation,
  buildTrainGraph,
  findPrivacyBreaks,
  ggufForward,
  type TrainSpec,
} from '@sotto/protocol/train-graph'
import { describe, expect, it } from 'vitest'
import { TINY, tinyGpt2, tinyLlama } from '../gguf/tiny-models.ts'
import { openGraph, spread } from './run-graph.ts'

const SEQUENCE = 6
const TOKENS = [1, 4, 2, 9, 3, 7, 5, 5, 1, 0, 0, 0]
const TARGETS = [4, 2, 9, 3, 7, 10, 5, 1, 8, -1, -1, -1]

function specOf(file: GgufFile, targets: readonly string[]): TrainSpec {
  const lora = addLora(ggufForward(file, SEQUENCE), { rank: 2, alphaMilli: 4000, targets, seed: 5 })
  const output = lora.forward.outputs[0]!.name
  return { forward: lora.forward, trainable: lora.trainable, loss: { kind: 'causal', output }, microBatch: 2 }
}

const CASES = [
  [
    'llama',
    tinyLlama(),
    ['attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_gate', 'ffn_up', 'ffn_down', 'output'],
  ],
  ['llama with a tied head', without(tinyLlama(), 'output.weight'), ['attn_q', 'ffn_down']],
  ['gpt2', tinyGpt2(), ['attn_qkv', 'attn_output', 'ffn_up', 'ffn_down']],
] as const

function without(file: GgufFile, name: string): GgufFile {
  return { ...file, tensors: file.tensors.filter((tensor) => tensor.name !== name) }
}

function having(file: GgufFile, key: string, value: GgufValue | undefined): GgufFile {
  const entries = [...file.metadata].filter(([one]) => one !== key)
  return { ...file, metadata: new Map(value === undefined ? entries : [...entries, [key, value]]) }
}

describe.each(CASES)('the graph of %s', (_, file, targets) => {
  it('is the same bytes each time, and takes each tensor of the file', () => {
    const forward = ggufForward(file, SEQUENCE)
    expect(encodeOnnx(ggufForward(file, SEQUENCE))).toEqual(encodeOnnx(forward))
    expect(forward.initializers.map(({ name }) => name).toSorted()).toEqual(
      file.tensors.map(({ name }) => name).toSorted(),
    )
  })

  it('has a branch at each module that is named, and gradients that follow its loss', async () => {
    const spec = specOf(file, targets)
    expect(spec.trainable).toHaveLength(
      2 * targets.reduce((sum, name) => sum + (name === 'output' ? 1 : 2), 0),
    )
    expect(findPrivacyBreaks(spec)).toEqual([])
    const graph = buildTrainGraph(spec)
    const [step, score] = [await openGraph(graph.model), await openGraph(buildEvaluation(spec).model)]
    const values = graph.parameters.map(({ initial }, i) =>
      i % 2 === 0 ? [...initial] : spread(initial.length, i).map((value) => value / initial.length),
    )
    const data = { 'x.0': TOKENS, target: TARGETS }
    const lossAt = async (way: readonly number[][], size: number): Promise<number> => {
      const moved = values.map((value, i) => value.map((one, k) => one + size * way[i]![k]!))
      const { losses } = await score.run({ ...feeds(moved), ...data })
      return losses![0]! + losses![1]!
    }
    const found = await step.run({ ...feeds(values), ...data, example_weight: [1, 1] })
    for (let turn = 0; turn < 3; turn++) {
      const way = values.map((value, i) => spread(value.length, 10 * turn + i + 1))
      const length = Math.hypot(...way.flat())
      const unit = way.map((one) => one.map((value) => value / length))
      const h = 0.02
      const slope =
        (8 * ((await lossAt(unit, h)) - (await lossAt(unit, -h))) -
          ((await lossAt(unit, 2 * h)) - (await lossAt(unit, -2 * h)))) /
        (12 * h)
      const wanted = unit.reduce(
        (sum, one, i) => sum + one.reduce((part, value, k) => part + value * found[`g.${i}`]![k]!, 0),
        0,
      )
      expect(
        Math.abs(slope - wanted) / Math.hypot(...graph.parameters.flatMap((_, i) => found[`g.${i}`]!)),
      ).toBeLessThan(1e-4)
    }
    await step.close()
    await score.close()
  })

  it('says nothing of what stands behind a position', async () => {
    const spec = specOf(file, targets)
    const { model } = buildEvaluation({ ...spec, microBatch: 1 })
    const graph = await openGraph(model)
    const parameters = feeds(buildTrainGraph(spec).parameters.map(({ initial }) => initial))
    const run = async (tokens: number[]): Promise<number[]> => {
      const { output } = await graph.run({ ...parameters, 'x.0': tokens, target: tokens })
      return output!
    }
    const [one, other] = [await run([1, 4, 2, 9, 3, 7]), await run([1, 4, 2, 0, 8, 2])]
    const same = 3 * TINY.vocabulary
    expect(one.slice(0, same)).toEqual(other.slice(0, same))
    expect(one.slice(same)).not.toEqual(other.slice(same))
    await graph.close()
  })
})

function feeds(values: readonly ArrayLike<number>[]): Record<string, ArrayLike<number>> {
  return Object.fromEntries(values.map((value, i) => [`p.${i}`, value]))
}

describe('a graph of a GGUF file', () => {
  const u32 = (value: number): GgufValue => ({ type: 'uint32', value })
  const f32 = (value: number): GgufValue => ({ type: 'float32', value })
  const word = (value: string): GgufValue => ({ type: 'string', value })
  const llama = tinyLlama()
  const extra = (name: string): GgufFile => ({
    ...llama,
    tensors: [...llama.tensors, { ...llama.tensors[0]!, name }],
  })

  const fewerPositions = (): GgufFile => {
    const file = tinyGpt2()
    const cut = (one: GgufTensor): GgufTensor => ({ ...one, dims: [4, 8], data: one.data.subarray(0, 128) })
    return {
      ...file,
      tensors: file.tensors.map((one) => (one.name === 'position_embd.weight' ? cut(one) : one)),
    }
  }

  it.each<[string, GgufFile, string]>([
    ['of another architecture', having(llama, 'general.architecture', word('mamba')), 'GGUF_UNSUPPORTED'],
    ['of no architecture', having(llama, 'general.architecture', undefined), 'GGUF_UNSUPPORTED'],
    ['of a name of all objects', having(llama, 'general.architecture', word('toString')), 'GGUF_UNSUPPORTED'],
    ['with an entry that nobody knows', having(llama, 'llama.logit_scale', f32(2)), 'GGUF_UNSUPPORTED'],
    ['with experts', extra('blk.0.ffn_gate_exps.weight'), 'GGUF_UNSUPPORTED'],
    ['with one block too many', extra('blk.2.attn_q.weight'), 'GGUF_UNSUPPORTED'],
    [
      'with other rotary positions',
      having(llama, 'llama.rope.scaling.type', word('yarn')),
      'GGUF_UNSUPPORTED',
    ],
    [
      'that sees what follows',
      having(llama, 'llama.attention.causal', { type: 'bool', value: false }),
      'GGUF_UNSUPPORTED',
    ],
    ['without a tensor', without(llama, 'blk.1.ffn_up.weight'), 'GGUF_MALFORMED'],
    ['without its embedding', without(llama, 'token_embd.weight'), 'GGUF_MALFORMED'],
    ['without a size', having(llama, 'llama.block_count', undefined), 'GGUF_MALFORMED'],
    ['with a size of 0', having(llama, 'llama.block_count', u32(0)), 'GGUF_MALFORMED'],
    ['with a billion blocks', having(llama, 'llama.block_count', u32(1e9)), 'GGUF_MALFORMED'],
    ['with a size in words', having(llama, 'llama.block_count', word('2')), 'GGUF_MALFORMED'],
    [
      'with a size below 0',
      having(llama, 'llama.block_count', { type: 'int32', value: -1 }),
      'GGUF_MALFORMED',
    ],
    ['with another width', having(llama, 'llama.embedding_length', u32(16)), 'GGUF_MALFORMED'],
    [
      'with another feed-forward width',
      having(llama, 'llama.feed_forward_length', u32(13)),
      'GGUF_MALFORMED',
    ],
    ['with more heads than numbers', having(llama, 'llama.attention.head_count', u32(9)), 'GGUF_MALFORMED'],
    [
      'with heads that do not divide',
      having(llama, 'llama.attention.head_count_kv', u32(3)),
      'GGUF_MALFORMED',
    ],
    ['with no heads of keys', having(llama, 'llama.attention.head_count_kv', u32(0)), 'GGUF_MALFORMED'],
    ['with odd rotated numbers', having(llama, 'llama.rope.dimension_count', u32(1)), 'GGUF_MALFORMED'],
    [
      'with more rotated numbers than a head has',
      having(llama, 'llama.rope.dimension_count', u32(4)),
      'GGUF_MALFORMED',
    ],
    ['with a base of 0', having(llama, 'llama.rope.freq_base', f32(0)), 'GGUF_MALFORMED'],
    [
      'without its epsilon',
      having(llama, 'llama.attention.layer_norm_rms_epsilon', undefined),
      'GGUF_MALFORMED',
    ],
    [
      'with an epsilon that is no number',
      having(llama, 'llama.attention.layer_norm_rms_epsilon', f32(NaN)),
      'GGUF_MALFORMED',
    ],
    ['of gpt2 without positions', without(tinyGpt2(), 'position_embd.weight'), 'GGUF_MALFORMED'],
    ['of gpt2 with fewer positions', fewerPositions(), 'GGUF_MALFORMED'],
  ])('%s is refused', (_, file, code) => {
    expect(() => ggufForward(file, SEQUENCE)).toThrow(expect.objectContaining({ code }))
  })

  it.each([0, 1.5, 17, 2 ** 40])('is refused for a sequence of %s', (sequence) => {
    expect(() => ggufForward(llama, sequence)).toThrow(expect.objectContaining({ code: 'GGUF_UNSUPPORTED' }))
  })

  it('has no branch at a head that is the embedding', () => {
    const forward = ggufForward(without(llama, 'output.weight'), SEQUENCE)
    expect(() => addLora(forward, { rank: 1, alphaMilli: 1000, targets: ['output'], seed: 1 })).toThrow(
      expect.objectContaining({ code: 'GRAPH_TARGET' }),
    )
  })
})
