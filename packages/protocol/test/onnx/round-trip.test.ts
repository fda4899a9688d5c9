import { existsSync, globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import {
  encodeOnnx,
  encodeOnnxWithData,
  type OnnxModel,
  parseOnnx,
  scopeOf,
  tensorOf,
} from '@sotto/protocol/onnx'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { expect, test } from 'vitest'
import { everyPart, node } from './models.ts'

const root = resolve(import.meta.dirname, '../../../..')
const testdata = resolve(root, process.env['SOTTO_TESTDATA'] ?? '../shared/testdata', 'onnx')
const files = [
  ...globSync('**/*.onnx', { cwd: testdata }).map((name) => join(testdata, name)),
  ...globSync('models/**/*.onnx', { cwd: root }).map((name) => join(root, name)),
]

test('a model with every part comes back as it was', () => {
  const bytes = encodeOnnx(everyPart())
  expect(parseOnnx(bytes)).toEqual(everyPart())
  expect(encodeOnnx(parseOnnx(bytes))).toEqual(bytes)
})

test('the module of a node is the last that its exporter names', () => {
  expect(everyPart().nodes.map(scopeOf)).toEqual(['m.layer', undefined])
})

test('large tensors can lie in a file beside the model', async () => {
  const w = tensorOf('w', 'float32', [3, 2], [1, 2, 3, 4, 5, 6])
  const model: OnnxModel = {
    irVersion: 8,
    opsets: new Map([['', 18]]),
    name: 'g',
    inputs: [{ name: 'x', type: 'float32', dims: [1, 3] }],
    outputs: [{ name: 'y', type: 'float32', dims: [1, 2] }],
    initializers: [tensorOf('b', 'float32', [2], [0.5, 1]), w, { ...w, name: 'again' }],
    nodes: [node('Gemm', ['x', 'w', 'b'], ['h']), node('Gemm', ['x', 'again', 'h'], ['y'])],
  }
  const { model: bytes, data } = encodeOnnxWithData(model, 'weights.bin', 16)
  const file = Buffer.concat(data)
  expect(file.length).toBe(4096 + 24)
  const read = parseOnnx(bytes, new Map([['weights.bin', file]]))
  expect(read.initializers.map(({ data }) => [...data])).toEqual(
    model.initializers.map(({ data }) => [...data]),
  )
  const session = await InferenceSession.create(bytes, {
    externalData: [{ path: 'weights.bin', data: file }],
  })
  const x = new Tensor('float32', Float32Array.of(1, 0, -1), [1, 3])
  expect([...((await session.run({ x }))['y']!.data as Float32Array)]).toEqual([-7.5, -7])
})

/** Equal inputs for both: numbers of a fixed sequence; free dimensions are 1, or 512 for audio. */
function feedsOf(session: InferenceSession): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {}
  for (const port of session.inputMetadata as InferenceSession.TensorValueMetadata[]) {
    const dims = port.shape.map((dim, i) => (typeof dim === 'number' && dim > 0 ? dim : i === 0 ? 1 : 512))
    const count = dims.reduce((product, dim) => product * dim, 1)
    const at = (i: number): number => Math.sin(i + 1)
    if (port.type === 'float32')
      feeds[port.name] = new Tensor(
        Float32Array.from({ length: count }, (_, i) => at(i)),
        dims,
      )
    else if (port.type === 'float64')
      feeds[port.name] = new Tensor(
        Float64Array.from({ length: count }, (_, i) => at(i)),
        dims,
      )
    else if (port.type === 'int64')
      feeds[port.name] = new Tensor(new BigInt64Array(count).fill(port.name === 'sr' ? 16_000n : 1n), dims)
    else if (port.type === 'int32') feeds[port.name] = new Tensor(new Int32Array(count).fill(1), dims)
    else if (port.type === 'uint8') feeds[port.name] = new Tensor(new Uint8Array(count).fill(1), dims)
    else if (port.type === 'bool') feeds[port.name] = new Tensor('bool', new Uint8Array(count).fill(1), dims)
  }
  return feeds
}

async function open(bytes: Uint8Array): Promise<InferenceSession> {
  return InferenceSession.create(bytes, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
    graphOptimizationLevel: 'basic',
  })
}

/** What a model answers, or how it fails; both must survive the codec. */
async function answer(bytes: Uint8Array): Promise<unknown> {
  let session: InferenceSession
  try {
    session = await open(bytes)
  } catch (error) {
    return (error as Error).message
  }
  try {
    const results = await session.run(feedsOf(session))
    return Object.entries(results).map(([name, { type, dims, data }]) => ({ name, type, dims, data }))
  } catch (error) {
    return (error as Error).message
  } finally {
    await session.release()
  }
}

if (!existsSync(testdata)) {
  const reason = `models of the test data: no folder ${testdata}; set SOTTO_TESTDATA`
  if (process.env['CI']) throw new Error(reason)
  process.stderr.write(`skipped: ${reason}\n`)
} else
  test('every model of the test data comes back and answers the same bits', { timeout: 60_000 }, async () => {
    let ran = 0
    for (const file of files) {
      const bytes = new Uint8Array(readFileSync(file))
      const again = encodeOnnx(parseOnnx(bytes))
      expect(encodeOnnx(parseOnnx(again))).toEqual(again)
      const [before, after] = [await answer(bytes), await answer(again)]
      if (typeof before !== 'string') ran++
      expect(after, file).toEqual(before)
    }
    // Some nodes of the conformance suite want inputs that these are not; all others must have run.
    expect(ran).toBeGreaterThanOrEqual(files.length - 8)
  })
