import { afterAll, beforeAll, expect, test } from 'vitest'
import { createEngine } from '../../../src/engines/onnx/index.ts'
import type { Engine, EngineInfo, EngineModel, ModelFile, Tensor } from '../../../src/engines/index.ts'
import { modelFile } from '../fixtures/model.ts'
import { externalTensor, field, model, node, number } from './build-model.ts'

const ADD = field(1, node('Add', ['x', 'w'], ['y']))
const WEIGHT = field(5, [...number(1, 1), ...number(2, 1), ...field(8, 'w'), ...field(9, [0, 0, 32, 66])])
const signal = new AbortController().signal
let engine: Engine
let info: EngineInfo

function engineModel(...files: ModelFile[]): EngineModel {
  const byName = new Map(files.map((file) => [file.name, file]))
  return {
    id: 'm',
    task: 'tensors',
    engine: 'onnx',
    files: byName,
    threads: 1,
    contextTokens: 0,
    concurrency: 1,
  }
}

function x(...values: number[]): Tensor {
  return {
    name: 'x',
    datatype: 'FP32',
    shape: [values.length],
    data: new Uint8Array(Float32Array.from(values).buffer),
  }
}

beforeAll(async () => {
  engine = createEngine()
  info = await engine.load(engineModel(modelFile('model.onnx', model(ADD, WEIGHT), 'weights')))
})
afterAll(() => engine.close())

test('states its tensors and answers', async () => {
  expect(info).toEqual({
    concurrency: 1,
    operations: ['infer'],
    inputs: [{ name: 'x', datatype: 'FP32', shape: [1] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: [1] }],
  })
  const [y] = await engine.infer!({ inputs: [x(2)], outputs: ['y'] }, signal)
  expect([y!.name, ...new Float32Array(y!.data.buffer)]).toEqual(['y', 42])
})

test.each([
  ['no input', { inputs: [] }],
  ['an unknown input', { inputs: [{ ...x(1), name: 'z' }] }],
  ['an input of the prototype', { inputs: [x(1), { ...x(1), name: '__proto__' }] }],
  ['an input twice', { inputs: [x(1), x(1)] }],
  ['an unknown output', { inputs: [x(1)], outputs: ['z'] }],
  ['an output twice', { inputs: [x(1)], outputs: ['y', 'y'] }],
  ['another shape', { inputs: [x(1, 2)] }],
])('refuses a request with %s', async (_, request) => {
  await expect(engine.infer!(request, signal)).rejects.toMatchObject({ code: 'ENGINE_INPUT' })
})

test.each([
  ['no graph', []],
  [
    'two graphs',
    [modelFile('a.onnx', model(ADD, WEIGHT), 'weights'), modelFile('b.onnx', model(ADD), 'weights')],
  ],
  ['a graph that is no model', [modelFile('a.onnx', Uint8Array.of(1, 2, 3), 'weights')]],
  ['an operator nobody knows', [modelFile('a.onnx', model(field(1, node('Nope', ['x'], ['y']))), 'weights')]],
  [
    'external data that was not supplied',
    [modelFile('a.onnx', model(ADD, field(5, externalTensor('w', '/etc/hostname'))), 'weights')],
  ],
  [
    'external data that is there, but not as data',
    [
      modelFile('a.onnx', model(ADD, field(5, externalTensor('w', 'w.bin'))), 'weights'),
      modelFile('w.bin', new Uint8Array(4), 'config'),
    ],
  ],
])('does not load a model with %s', async (_, files) => {
  await expect(createEngine().load(engineModel(...files))).rejects.toMatchObject({
    code: 'ENGINE_MODEL_INVALID',
  })
})

test('reads external data from the files of the model', async () => {
  const other = createEngine()
  await other.load(
    engineModel(
      modelFile('a.onnx', model(ADD, field(5, externalTensor('w', 'w.bin'))), 'weights'),
      modelFile('w.bin', new Uint8Array(Float32Array.of(5).buffer), 'weights-data'),
    ),
  )
  const [y] = await other.infer!({ inputs: [x(1)] }, signal)
  expect([...new Float32Array(y!.data.buffer)]).toEqual([6])
  await other.close()
})
