import { encodeOnnx, encodeOnnxWithData } from '@sotto/protocol/onnx'
import { addLora, buildTrainGraph, encodeGraphAdapter, mlpForward } from '@sotto/protocol/train-graph'
import { describe, expect, it } from 'vitest'
import type { EngineModel, ModelFile, Tensor } from '../../../src/engines/index.ts'
import { createEngine } from '../../../src/engines/onnx/index.ts'
import {
  buildGraphs,
  Chance,
  exportGraphAdapter,
  type LoraPlan,
  openScore,
  type Part,
} from '../../../src/train/index.ts'
import { rowUnits } from '../../../src/train/data/units.ts'
import { modelFile } from '../fixtures/model.ts'
import { codeOf } from '../host/fake-model.ts'

const FEATURES = 6
const ROWS = 5
const forward = mlpForward({ sizes: [FEATURES, 40, 3], activation: 'tanh', seed: 9 })
const lora = addLora(forward, { rank: 2, alphaMilli: 6000, targets: ['z0', 'y'], seed: 3 })
const spec = { ...lora, loss: { kind: 'cross-entropy', output: 'y' }, microBatch: ROWS } as const
const stream = new Chance(new Uint8Array(32).fill(6)).stream('try', 0)
const uniform = (): number => 2 * stream.uniform() - 1
const { parameters } = buildTrainGraph(spec)
const values = parameters.map(({ initial }) => initial.map(uniform))
const plan: LoraPlan = { rank: 2, alphaMilli: 6000, branches: lora.branches, parameters }
const adapter = exportGraphAdapter(plan, values)
const rows = Float32Array.from({ length: ROWS * FEATURES }, uniform)
const weights = modelFile('model.onnx', encodeOnnx(forward), 'weights')

function model(...files: ModelFile[]): EngineModel {
  const byName = new Map(files.map((file) => [file.name, file]))
  const about = {
    id: 'm',
    task: 'tensors',
    engine: 'onnx',
    threads: 1,
    contextTokens: 0,
    concurrency: 1,
  } as const
  return { ...about, files: byName }
}

/** What a model answers to the rows. */
async function answer(...files: ModelFile[]): Promise<number[]> {
  const engine = createEngine()
  await engine.load(model(...files))
  const x: Tensor = {
    name: 'x',
    datatype: 'FP32',
    shape: [ROWS, FEATURES],
    data: new Uint8Array(rows.buffer),
  }
  const [y] = await engine.infer!({ inputs: [x] }, new AbortController().signal)
  await engine.close()
  return [...new Float32Array(new Uint8Array(y!.data).buffer)]
}

/** What the trainer says of them. */
async function scores(weighed: readonly Float32Array[]): Promise<number[]> {
  const score = await openScore(buildGraphs(spec, 3).score)
  const columns = Array.from({ length: FEATURES }, (_, start) => ({
    kind: 'number' as const,
    start,
    width: 1,
  }))
  const labels = new Float32Array(ROWS)
  const part: Part = {
    name: 'x',
    rows: ROWS,
    width: FEATURES,
    columns,
    values: rows,
    labels,
    units: rowUnits(ROWS),
  }
  const found = await score.score(weighed, part)
  await score.close()
  return [...found]
}

const beside = (bytes: Uint8Array, name = 'adapter.safetensors'): ModelFile =>
  modelFile(name, bytes, 'adapter')

describe('a graph with an adapter', () => {
  it('answers as the trainer does, and without it as it always did', async () => {
    const [plain, adapted] = [await answer(weights), await answer(weights, beside(adapter))]
    for (const [found, wanted] of [
      [plain, await scores(parameters.map(({ initial }) => initial))],
      [adapted, await scores(values)],
    ] as const)
      for (const [at, value] of found.entries()) expect(value).toBeCloseTo(wanted[at]!, 5)
    expect(Math.max(...adapted.map((value, at) => Math.abs(value - plain[at]!)))).toBeGreaterThan(0.1)
  })

  it('may keep its weights in a file beside it', async () => {
    const { model: graph, data } = encodeOnnxWithData(forward, 'model.data', 16)
    const files = [
      modelFile('model.onnx', graph, 'weights'),
      modelFile('model.data', Buffer.concat(data), 'weights-data'),
    ]
    expect(await answer(...files, beside(adapter))).toEqual(await answer(weights, beside(adapter)))
  })

  it.each<[string, ModelFile[]]>([
    ['one of another graph', [beside(encodeGraphAdapter({ alphaMilli: 1, branches: [branch('z7')] }))]],
    ['one of other sizes', [beside(encodeGraphAdapter({ alphaMilli: 1, branches: [branch('z0')] }))]],
    ['one that is a graph', [beside(encodeOnnx(forward))]],
    ['one of nothing', [beside(new Uint8Array())]],
    ['two', [beside(adapter), beside(adapter, 'other.safetensors')]],
  ])('is not loaded with %s', async (_, adapters) => {
    expect(await codeOf(answer(weights, ...adapters))).toBe('ENGINE_MODEL_INVALID')
  })

  it('is not loaded where it is no graph', async () => {
    const broken = modelFile('model.onnx', encodeOnnx(forward).subarray(1), 'weights')
    expect(await codeOf(answer(broken, beside(adapter)))).toBe('ENGINE_MODEL_INVALID')
  })
})

function branch(module: string): Parameters<typeof encodeGraphAdapter>[0]['branches'][0] {
  return { module, rank: 1, inputs: 2, outputs: 2, down: new Float32Array(2), up: new Float32Array(2) }
}
