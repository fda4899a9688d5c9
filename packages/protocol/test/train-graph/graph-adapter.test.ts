import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LoraMatrices } from '@sotto/protocol/gguf'
import { encodeOnnx, type OnnxModel, parseOnnx } from '@sotto/protocol/onnx'
import {
  addLora,
  applyParameters,
  buildTrainGraph,
  encodeGraphAdapter,
  type GraphAdapter,
  matricesOf,
  mlpForward,
  parseGraphAdapter,
  withAdapter,
} from '@sotto/protocol/train-graph'
import { encodeSafetensors, parseSafetensors, type Safetensor } from '@sotto/protocol/training'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { spread } from './run-graph.ts'

const fixture = (name: string): OnnxModel =>
  parseOnnx(new Uint8Array(readFileSync(join(import.meta.dirname, 'fixtures', `${name}.onnx`))))

/** A trained adapter, and the graph that it was trained in with its weights. */
function trained(forward: OnnxModel, targets: string[]): { adapter: GraphAdapter; applied: OnnxModel } {
  const lora = addLora(forward, { rank: 2, alphaMilli: 3000, targets, seed: 1 })
  const output = forward.outputs[0]!.name
  const kind = forward.outputs[0]!.dims!.length === 3 ? 'causal' : 'cross-entropy'
  const graph = buildTrainGraph({ ...lora, loss: { kind, output }, microBatch: 1, sequence: 8 })
  const values = graph.parameters.map(({ initial }, i) => Float32Array.from(spread(initial.length, i + 1)))
  const at = new Map(graph.parameters.map(({ name }, i) => [name, values[i]!]))
  const branches = lora.branches.map(({ module, a, b }) =>
    matricesOf(module, 2, { a: at.get(a)!, b: at.get(b)! }),
  )
  return { adapter: { alphaMilli: 3000, branches }, applied: applyParameters(graph, values) }
}

describe('an adapter of a graph', () => {
  it.each([
    ['gpt2', fixture('gpt2'), ['c_attn', 'mlp.c_fc']],
    ['llama', fixture('llama'), ['q_proj', 'down_proj']],
    ['a perceptron', mlpForward({ sizes: [3, 4, 2], activation: 'tanh', seed: 1 }), ['z0', 'y']],
  ] as [string, OnnxModel, string[]][])(
    'makes of %s the very graph that was trained',
    (_, forward, targets) => {
      const { adapter, applied } = trained(forward, targets)
      const again = withAdapter(forward, parseGraphAdapter(encodeGraphAdapter(adapter)))
      expect(Buffer.compare(encodeOnnx(again), encodeOnnx(applied))).toBe(0)
    },
  )

  it('comes back as it was written', () => {
    const size = fc.integer({ min: 1, max: 4 })
    const branches = fc
      .record({
        rank: size,
        modules: fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 4 }),
      })
      .chain(({ rank, modules }) =>
        fc.tuple(
          ...modules.map((module) =>
            fc.record({ inputs: size, outputs: size }).map(({ inputs, outputs }): LoraMatrices => {
              const [down, up] = [inputs, outputs].map((count) => Float32Array.from(spread(count * rank, 3)))
              return { module, rank, inputs, outputs, down: down!, up: up! }
            }),
          ),
        ),
      )
    fc.assert(
      fc.property(branches, fc.integer({ min: 1, max: 1_000_000 }), (given, alphaMilli) => {
        const found = parseGraphAdapter(encodeGraphAdapter({ alphaMilli, branches: given }))
        const sorted = (all: readonly LoraMatrices[]): LoraMatrices[] =>
          all.toSorted((a, b) => (a.module < b.module ? -1 : 1))
        expect({ ...found, branches: sorted(found.branches) }).toEqual({
          alphaMilli,
          branches: sorted(given),
        })
      }),
    )
  })

  const forward = mlpForward({ sizes: [3, 4, 2], activation: 'tanh', seed: 1 })
  const good = trained(forward, ['z0', 'y']).adapter
  const file = parseSafetensors(encodeGraphAdapter(good))
  const tensor = (name: string, shape: number[]): Safetensor => ({
    name,
    type: 'F32',
    shape,
    data: new Uint8Array(4 * shape.reduce((product, size) => product * size, 1)),
  })
  const of = (...tensors: readonly Safetensor[]): Uint8Array => encodeSafetensors({ ...file, tensors })
  const having = (key: string, value: string): Uint8Array =>
    encodeSafetensors({ ...file, metadata: new Map([...file.metadata, [key, value]]) })

  it.each<[string, Uint8Array]>([
    ['of another format', having('format', 'pt')],
    ['without an alpha', having('alpha_milli', '')],
    ['with an alpha of 0', having('alpha_milli', '0')],
    ['with an alpha past all numbers', having('alpha_milli', '9'.repeat(30))],
    ['without tensors', of()],
    ['with half a pair', of(...file.tensors.slice(1))],
    ['with a tensor of nobody', of(...file.tensors, tensor('x', [1]))],
    [
      'with matrices of two ranks',
      of(tensor('z0.lora_A.weight', [1, 3]), tensor('z0.lora_B.weight', [4, 2])),
    ],
    ['with vectors', of(tensor('z0.lora_A.weight', [3]), tensor('z0.lora_B.weight', [4]))],
    [
      'with branches of two ranks',
      of(
        tensor('a.lora_A.weight', [1, 3]),
        tensor('a.lora_B.weight', [4, 1]),
        tensor('b.lora_A.weight', [2, 3]),
        tensor('b.lora_B.weight', [4, 2]),
      ),
    ],
  ])('%s is refused', (_, bytes) => {
    expect(() => parseGraphAdapter(bytes)).toThrow(expect.objectContaining({ code: 'GRAPH_TARGET' }))
  })

  const branch = (module: string, inputs: number, outputs: number, rank = 1): LoraMatrices => ({
    module,
    rank,
    inputs,
    outputs,
    down: new Float32Array(rank * inputs),
    up: new Float32Array(rank * outputs),
  })

  it.each<[string, OnnxModel, LoraMatrices[]]>([
    ['for a module that is not there', forward, [branch('z9', 3, 4)]],
    ['for what is no product', forward, [branch('h0', 4, 4)]],
    ['of other inputs', forward, [branch('z0', 4, 4)]],
    ['of other outputs', forward, [branch('z0', 3, 5)]],
    ['of a rank of 2000', forward, [branch('z0', 3, 4, 2000)]],
    ['for a name that several modules end with', fixture('llama'), [branch('q_proj', 8, 8)]],
  ])('%s has no place in the graph', (_, graph, branches) => {
    expect(() => withAdapter(graph, { alphaMilli: 1000, branches })).toThrow(
      expect.objectContaining({ code: 'GRAPH_TARGET' }),
    )
  })
})
