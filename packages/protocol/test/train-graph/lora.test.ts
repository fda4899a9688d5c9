import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromBase64 } from '@sotto/protocol/bytes'
import { floatsOf, type OnnxModel, parseOnnx } from '@sotto/protocol/onnx'
import {
  addLora,
  buildEvaluation,
  buildTrainGraph,
  findPrivacyBreaks,
  mlpForward,
  type TrainSpec,
} from '@sotto/protocol/train-graph'
import { expect, test } from 'vitest'
import { errorOf, openGraph, spread } from './run-graph.ts'

interface Fixture {
  readonly loss: 'causal' | 'cross-entropy'
  readonly output: string
  readonly x: number[]
  readonly target: number[]
  readonly losses: number[]
  readonly parameters: readonly { name: string; of: string; gradient: string }[]
}

const RANK = 2
const SCALE = 1.5

/** Models and what in them gets a branch; two layers each. */
const cases: [name: string, targets: string[], branches: number][] = [
  ['gpt2', ['c_attn', 'mlp.c_fc'], 4],
  ['llama', ['q_proj', 'v_proj', 'down_proj'], 6],
  ['bert', ['self.query', 'intermediate.dense', 'classifier'], 5],
]

function read(
  name: string,
  targets: string[],
): { fixture: Fixture; spec: TrainSpec; lora: ReturnType<typeof addLora> } {
  const file = (end: string): string => join(import.meta.dirname, 'fixtures', `${name}.${end}`)
  const fixture = JSON.parse(readFileSync(file('json'), 'utf8')) as Fixture
  const forward = parseOnnx(new Uint8Array(readFileSync(file('onnx'))))
  const lora = addLora(forward, { rank: RANK, alphaMilli: 1000 * SCALE * RANK, targets, seed: 3 })
  const { loss: kind, output } = fixture
  return { fixture, lora, spec: { ...lora, loss: { kind, output }, microBatch: 3 } }
}

test.each(cases)(
  '%s: branches answer as before, and their gradients are those of the matrix beside them',
  async (name, targets, count) => {
    const { fixture, spec, lora } = read(name, targets)
    expect(lora.branches).toHaveLength(count)
    const graph = buildTrainGraph(spec)
    const session = await openGraph(graph.model)
    const found = await session.run({
      ...Object.fromEntries(graph.parameters.map(({ initial }, i) => [`p.${i}`, initial])),
      'x.0': fixture.x,
      target: fixture.target,
      example_weight: [1, 1, 1],
    })
    await session.close()
    expect(errorOf(found['losses']!, fixture.losses)).toBeLessThan(2e-6)
    for (const [i, { module }] of lora.branches.entries()) {
      const own = fixture.parameters.find(({ of }) => of.endsWith(`${module.split('inner.')[1]}.weight`))!
      const gradient = new Float32Array(fromBase64(own.gradient).slice().buffer as ArrayBuffer)
      const [a, b] = [graph.parameters[2 * i]!, graph.parameters[2 * i + 1]!]
      const [inputs, outputs] = [a.dims[0]!, b.dims[1]!]
      // The initializer is turned where the node says so.
      const node = lora.forward.nodes.find(({ inputs }) => inputs[1] === own.name)!
      const isTurned =
        node.attributes.get('transB') !== undefined && Object.values(node.attributes.get('transB')!)[0] === 1n
      const at = (row: number, column: number): number =>
        gradient[isTurned ? column * inputs + row : row * outputs + column]!
      const wanted = Array.from({ length: RANK * outputs }, (_, k) => {
        const [row, column] = [Math.floor(k / outputs), k % outputs]
        let sum = 0
        for (let input = 0; input < inputs; input++) sum += a.initial[input * RANK + row]! * at(input, column)
        return SCALE * sum
      })
      expect(errorOf(found[`g.${2 * i + 1}`]!, wanted), module).toBeLessThan(2e-5)
      expect(found[`g.${2 * i}`]!.every((value) => value === 0)).toBe(true)
    }
  },
)

test.each(cases)('%s: norms of branches are those of single examples', async (name, targets) => {
  const { fixture, spec } = read(name, targets)
  expect(findPrivacyBreaks(spec)).toEqual([])
  const graph = buildTrainGraph({ ...spec, clip: 0.01 })
  const single = buildTrainGraph({ ...spec, microBatch: 1 })
  const weights = Object.fromEntries(
    graph.parameters.map(({ initial }, i) => [`p.${i}`, i % 2 === 0 ? initial : spread(initial.length, i)]),
  )
  const [all, one] = [await openGraph(graph.model), await openGraph(single.model)]
  const { norms } = await all.run({
    ...weights,
    'x.0': fixture.x,
    target: fixture.target,
    example_weight: [1, 1, 1],
  })
  for (let i = 0; i < 3; i++) {
    const cut = (values: number[]): number[] =>
      values.slice((i * values.length) / 3, ((i + 1) * values.length) / 3)
    const found = await one.run({
      ...weights,
      'x.0': cut(fixture.x),
      target: cut(fixture.target),
      example_weight: [1],
    })
    const norm = Math.hypot(...single.parameters.flatMap((_, k) => found[`g.${k}`]!))
    expect(norms![i]! / norm).toBeCloseTo(1, 4)
  }
  await all.close()
  await one.close()
})

test('equal seeds give equal branches, others do not', () => {
  const forward = mlpForward({ sizes: [3, 4, 2], activation: 'tanh', seed: 1 })
  const first = (seed: number): Float32Array => {
    const { forward: found } = addLora(forward, { rank: 1, alphaMilli: 1000, targets: ['z0'], seed })
    return floatsOf(found.initializers.find(({ name }) => name === 'lora.0.a')!)
  }
  expect(first(1)).toEqual(first(1))
  expect(first(1)).not.toEqual(first(2))
  expect(first(1).every((value) => Math.abs(value) <= 1 / Math.sqrt(3))).toBe(true)
})

test.each(cases)('%s: no two nodes have one name', (name, targets) => {
  const names = read(name, targets).lora.forward.nodes.map((node) => node.name)
  expect(new Set(names).size).toBe(names.length)
})

test('a graph whose nodes are named like their values runs with branches', async () => {
  const forward = mlpForward({ sizes: [3, 4, 2], activation: 'tanh', seed: 1 })
  const lora = addLora(forward, { rank: 1, alphaMilli: 1000, targets: ['z0', 'y'], seed: 2 })
  const dims = (model: OnnxModel): OnnxModel => ({
    ...model,
    inputs: [{ ...model.inputs[0]!, dims: [1, 3] }],
  })
  const [plain, branched] = [await openGraph(dims(forward)), await openGraph(dims(lora.forward))]
  expect(await branched.run({ x: [1, 2, 3] })).toEqual(await plain.run({ x: [1, 2, 3] }))
  await plain.close()
  await branched.close()
})

test('the evaluation of a graph with branches has them too', () => {
  const { spec } = read('gpt2', ['c_attn'])
  expect(buildEvaluation(spec).model.inputs.map(({ name }) => name)).toEqual([
    'p.0',
    'p.1',
    'p.2',
    'p.3',
    'x.0',
    'target',
  ])
})

test.each([
  ['a target that is not there', { targets: ['k_proj'] }],
  ['a target that is no product', { targets: ['h0'] }],
  ['a rank of 0', { rank: 0 }],
  ['a rank that is no whole number', { rank: 1.5 }],
  ['a rank of 2000', { rank: 2000 }],
  ['an alpha of 0', { alphaMilli: 0 }],
])('refuses %s', (_, more) => {
  const forward = mlpForward({ sizes: [3, 4, 2], activation: 'tanh', seed: 1 })
  const spec = { rank: 1, alphaMilli: 1000, targets: ['y'], seed: 0, ...more }
  expect(() => addLora(forward, spec)).toThrow(expect.objectContaining({ code: 'GRAPH_TARGET' }))
})
