import { encodeLoraAdapter, type GgufFile, type LoraAdapter, parseLoraAdapter } from '@sotto/protocol/gguf'
import { encodeSafetensors, floatsOf, parseSafetensors } from '@sotto/protocol/training'
import { describe, expect, it } from 'vitest'
import { tinyGpt2, tinyLlama } from '../../../protocol/test/gguf/tiny-models.ts'
import { adapterOf } from '../../src/train/export/adapter.ts'
import { writeAdapter } from '../../src/train/export/reload-lora.ts'
import {
  type AdapterPlan,
  buildTextGraphs,
  Chance,
  exportLoraGguf,
  exportLoraSafetensors,
} from '../../src/train/index.ts'

const ALL = ['attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_gate', 'ffn_up', 'ffn_down', 'output']

function trained(file: GgufFile, targets: readonly string[]): { plan: AdapterPlan; values: Float32Array[] } {
  const lora = { rank: 2, alphaMilli: 3100, targets, seed: 2 }
  const { adapter, step } = buildTextGraphs(file, { lora, sequence: 4, microBatch: 1 })
  const stream = new Chance(new Uint8Array(32).fill(1)).stream('try', 0)
  const values = step.parameters.map(({ initial }) => initial.map(() => stream.uniform() - 0.5))
  return { plan: adapter, values }
}

const llama = trained(tinyLlama({ width: 16 }), ALL)

describe('an adapter for llama.cpp', () => {
  it('adds what the graph adds beside each weight', () => {
    const { plan, values } = llama
    const { alpha, branches, architecture } = parseLoraAdapter(exportLoraGguf(plan, values))
    expect([architecture, alpha]).toEqual(['llama', Math.fround(3.1)])
    expect(branches.map(({ module }) => module)).toContain('blk.1.ffn_gate')
    expect(branches).toHaveLength(2 * 7 + 1)
    for (const [at, { inputs, outputs, down, up }] of branches.entries()) {
      const [a, b] = [values[2 * at]!, values[2 * at + 1]!]
      for (let input = 0; input < inputs; input++)
        for (let output = 0; output < outputs; output++) {
          const [graph, file] = [0, 1].reduce(
            ([first, second], k) => [
              first! + a[input * 2 + k]! * b[k * outputs + output]!,
              second! + up[output * 2 + k]! * down[k * inputs + input]!,
            ],
            [0, 0],
          )
          expect(file).toBe(graph)
        }
    }
  })
})

describe('an adapter for PEFT', () => {
  it('has the names of transformers, and the configuration that goes with it', () => {
    const { tensors, metadata } = parseSafetensors(exportLoraSafetensors(llama.plan, llama.values))
    const shapes = Object.fromEntries(tensors.map(({ name, shape }) => [name, shape]))
    const prefix = 'base_model.model.model.layers.1'
    expect(shapes).toMatchObject({
      [`${prefix}.self_attn.k_proj.lora_A.weight`]: [2, 16],
      [`${prefix}.self_attn.k_proj.lora_B.weight`]: [8, 2],
      [`${prefix}.mlp.down_proj.lora_A.weight`]: [2, 12],
      'base_model.model.lm_head.lora_B.weight': [11, 2],
    })
    expect(tensors).toHaveLength(30)
    expect(JSON.parse(metadata.get('adapter_config.json')!)).toMatchObject({
      peft_type: 'LORA',
      r: 2,
      lora_alpha: 3.1,
      fan_in_fan_out: false,
      target_modules: expect.arrayContaining(['model.layers.0.self_attn.q_proj', 'lm_head']) as unknown,
    })
  })

  it('gives attention with rotated halves what the other gives with rotated neighbours', () => {
    const { plan, values } = llama
    const file = adapterOf(plan, values)
    const byName = new Map(
      parseSafetensors(exportLoraSafetensors(plan, values)).tensors.map((one) => [one.name, floatsOf(one)]),
    )
    const branchOf = (module: string) => file.branches.find((branch) => branch.module === module)!
    const upOf = (name: string) =>
      byName.get(`base_model.model.model.layers.0.self_attn.${name}.lora_B.weight`)!
    const width = 4
    const inner = Float32Array.of(0.3, -0.7)
    const product = (up: Float32Array, head: number): number[] =>
      Array.from({ length: width }, (_, at) => {
        const row = (head * width + at) * 2
        return up[row]! * inner[0]! + up[row + 1]! * inner[1]!
      })
    const angle = (pair: number, position: number): number => position * 10_000 ** ((-2 * pair) / width)
    const turn = (head: number[], position: number, places: (pair: number) => [number, number]): number[] => {
      const out = [...head]
      for (let pair = 0; pair < width / 2; pair++) {
        const [first, second] = places(pair)
        const [cos, sin] = [Math.cos(angle(pair, position)), Math.sin(angle(pair, position))]
        out[first] = head[first]! * cos - head[second]! * sin
        out[second] = head[first]! * sin + head[second]! * cos
      }
      return out
    }
    const score = (q: number[], k: number[], places: (pair: number) => [number, number]): number => {
      const [turned, other] = [turn(q, 7, places), turn(k, 3, places)]
      return turned.reduce((sum, value, at) => sum + value * other[at]!, 0)
    }
    for (const [query, key] of [
      [0, 0],
      [3, 1],
    ] as const) {
      const ours = score(
        product(branchOf('blk.0.attn_q').up, query),
        product(branchOf('blk.0.attn_k').up, key),
        (pair) => [2 * pair, 2 * pair + 1],
      )
      const theirs = score(product(upOf('q_proj'), query), product(upOf('k_proj'), key), (pair) => [
        pair,
        pair + 2,
      ])
      expect(theirs).toBeCloseTo(ours, 12)
    }
    expect(upOf('v_proj')).toEqual(branchOf('blk.0.attn_v').up)
  })

  it('of gpt2 has its names', () => {
    const { plan, values } = trained(tinyGpt2(), ['attn_qkv', 'ffn_down'])
    const { tensors, metadata } = parseSafetensors(exportLoraSafetensors(plan, values))
    expect(tensors.map(({ name }) => name)).toContain(
      'base_model.model.transformer.h.1.mlp.c_proj.lora_A.weight',
    )
    expect(JSON.parse(metadata.get('adapter_config.json')!)).toMatchObject({ fan_in_fan_out: true })
  })

  it.each([
    ['an architecture that has none', { architecture: 'mamba' }],
    ['an architecture of all objects', { architecture: 'constructor' }],
    ['a module that has none', { branches: [{ ...llama.plan.branches[0]!, module: 'blk.0.ffn_norm' }] }],
    ['a module of all objects', { branches: [{ ...llama.plan.branches[0]!, module: 'blk.0.toString' }] }],
  ] as [string, Partial<AdapterPlan>][])('names nothing of %s', (_, over) => {
    const plan = { ...llama.plan, ...over }
    expect(() => exportLoraSafetensors(plan, llama.values)).toThrow(
      expect.objectContaining({ code: 'ROOM_TRAIN_GRAPH' }),
    )
  })
})

describe('an adapter is not given out', () => {
  const adapter = adapterOf(llama.plan, llama.values)
  const changed = (index: number, over: Partial<LoraAdapter['branches'][0]>): LoraAdapter => ({
    ...adapter,
    branches: adapter.branches.map((branch, at) => (at === index ? { ...branch, ...over } : branch)),
  })
  const flipped = (values: Float32Array): Float32Array => {
    const copy = values.slice()
    new Uint8Array(copy.buffer)[5]! ^= 1
    return copy
  }
  const [first] = adapter.branches
  const swap = (a: number, b: number): LoraAdapter => {
    const branches = [...adapter.branches]
    ;[branches[a], branches[b]] = [
      { ...branches[b]!, module: branches[a]!.module },
      { ...branches[a]!, module: branches[b]!.module },
    ]
    return { ...adapter, branches }
  }

  it.each<[string, LoraAdapter]>([
    ['without a branch', { ...adapter, branches: adapter.branches.slice(1) }],
    ['with a bit of another', changed(3, { up: flipped(adapter.branches[3]!.up) })],
    ['with a bit of another in its first matrix', changed(0, { down: flipped(first!.down) })],
    ['with matrices of two modules exchanged', swap(0, 7)],
    ['with a module of another name', changed(0, { module: 'blk.7.attn_q' })],
    ['with another alpha', { ...adapter, alpha: 3.2 }],
    ['for another architecture', { ...adapter, architecture: 'gpt2' }],
  ])('%s', (_, written) => {
    const format = { write: () => encodeLoraAdapter(written), read: parseLoraAdapter }
    expect(() => writeAdapter(adapter, format)).toThrow(
      expect.objectContaining({ code: 'ROOM_TRAIN_RELOAD', action: 'stop' }),
    )
  })

  it('in bytes that nobody can read', () => {
    const format = { write: () => encodeLoraAdapter(adapter).subarray(1), read: parseLoraAdapter }
    expect(() => writeAdapter(adapter, format)).toThrow(
      expect.objectContaining({ code: 'ROOM_TRAIN_RELOAD' }),
    )
    const none = encodeSafetensors({ tensors: [], metadata: new Map() })
    expect(() => writeAdapter(adapter, { ...format, write: () => none })).toThrow(
      expect.objectContaining({ code: 'ROOM_TRAIN_RELOAD' }),
    )
  })
})
