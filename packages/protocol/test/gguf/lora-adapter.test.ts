import {
  encodeGguf,
  encodeLoraAdapter,
  type GgufFile,
  type LoraAdapter,
  parseGguf,
  parseLoraAdapter,
} from '@sotto/protocol/gguf'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tensor } from './files.ts'

const ADAPTER: LoraAdapter = {
  architecture: 'llama',
  alpha: 4,
  branches: [
    {
      module: 'blk.0.attn_q',
      rank: 1,
      inputs: 3,
      outputs: 2,
      down: Float32Array.of(1, 2, 3),
      up: Float32Array.of(4, 5),
    },
  ],
}

describe('a LoRA adapter', () => {
  it('has the names and entries that llama.cpp looks for', () => {
    const { metadata, tensors } = parseGguf(encodeLoraAdapter(ADAPTER))
    expect([...metadata].map(([key, value]) => [key, 'value' in value ? value.value : undefined])).toEqual([
      ['general.type', 'adapter'],
      ['general.architecture', 'llama'],
      ['adapter.type', 'lora'],
      ['adapter.lora.alpha', 4],
    ])
    expect(tensors.map(({ name, dims }) => [name, dims])).toEqual([
      ['blk.0.attn_q.weight.lora_a', [1, 3]],
      ['blk.0.attn_q.weight.lora_b', [2, 1]],
    ])
  })

  it('comes back as it was written', () => {
    const size = fc.integer({ min: 1, max: 4 })
    const branch = fc
      .record({
        module: fc.string({ unit: 'grapheme', minLength: 1 }),
        rank: size,
        inputs: size,
        outputs: size,
      })
      .chain((sizes) => {
        const values = (count: number): fc.Arbitrary<Float32Array> =>
          fc.float32Array({ minLength: count, maxLength: count, noNaN: true })
        const { rank, inputs, outputs } = sizes
        return fc.record({ down: values(rank * inputs), up: values(outputs * rank) }).map((matrices) => ({
          ...sizes,
          ...matrices,
        }))
      })
    const branches = fc.uniqueArray(branch, { selector: ({ module }) => module, minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(branches, fc.float({ min: 1, max: 64, noNaN: true }), (branches, alpha) => {
        const adapter = { architecture: 'gpt2', alpha, branches }
        expect(parseLoraAdapter(encodeLoraAdapter(adapter))).toEqual(adapter)
      }),
    )
  })

  it.each<[string, Partial<LoraAdapter>]>([
    ['no matrices', { branches: [] }],
    ['an alpha of 0', { alpha: 0 }],
    ['an alpha that is no number', { alpha: Number.NaN }],
    ['a module twice', { branches: [ADAPTER.branches[0]!, ADAPTER.branches[0]!] }],
    ['matrices of other sizes', { branches: [{ ...ADAPTER.branches[0]!, rank: 2 }] }],
  ])('is not written with %s', (_, more) => {
    expect(() => encodeLoraAdapter({ ...ADAPTER, ...more })).toThrow(
      expect.objectContaining({ code: 'GGUF_MALFORMED' }),
    )
  })

  const good = parseGguf(encodeLoraAdapter(ADAPTER))
  const without = (key: string): GgufFile => ({
    ...good,
    metadata: new Map([...good.metadata].filter(([one]) => one !== key)),
  })
  const having = (key: string, value: string): GgufFile => ({
    ...good,
    metadata: new Map([...good.metadata, [key, { type: 'string', value }]]),
  })
  const of = (...tensors: GgufFile['tensors']): GgufFile => ({ ...good, tensors })
  const [down, up] = good.tensors as [GgufFile['tensors'][0], GgufFile['tensors'][0]]

  it.each<[string, GgufFile]>([
    ['without its kind', without('general.type')],
    ['of another kind', having('general.type', 'model')],
    ['of another type', having('adapter.type', 'control_vector')],
    ['without an architecture', without('general.architecture')],
    ['without an alpha', without('adapter.lora.alpha')],
    ['with an alpha in words', having('adapter.lora.alpha', '4')],
    ['without tensors', of()],
    ['with half a pair', of(down)],
    ['with the other half', of(up)],
    ['with another tensor', of(down, up, tensor('blk.0.attn_q.weight', [1], [1]))],
    ['with a pair of nobody', of({ ...down, name: '.weight.lora_a' }, { ...up, name: '.weight.lora_b' })],
    ['with matrices of two ranks', of(down, tensor(up.name, [1, 2], [1, 2]))],
    ['with a vector', of(tensor(down.name, [3], [1, 2, 3]), up)],
    ['with a stack of matrices', of(tensor(down.name, [1, 3, 1], [1, 2, 3]), up)],
  ])('%s is refused', (_, file) => {
    expect(() => parseLoraAdapter(encodeGguf(file))).toThrow(
      expect.objectContaining({ code: 'GGUF_MALFORMED' }),
    )
  })
})
