import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { createTensorEngine } from '../../../src/engines/onnx/tensor-engine.ts'
import { readFields } from '../../../src/engines/onnx/protobuf.ts'
import type { Engine, EngineInfo, EngineModel, Tensor, TensorType } from '../../../src/engines/index.ts'
import { modelFile } from '../fixtures/model.ts'
import { testdataMissing } from '../testdata.ts'

const missing = testdataMissing()
const root = resolve(import.meta.dirname, '../../../../..')
const folder = resolve(root, process.env['SOTTO_TESTDATA'] ?? '../shared/testdata', 'onnx')
const signal = new AbortController().signal

async function load(path: string): Promise<{ engine: Engine; info: EngineInfo }> {
  const files = new Map([
    ['model.onnx', modelFile('model.onnx', new Uint8Array(readFileSync(path)), 'weights')],
  ])
  const model: EngineModel = {
    id: 'm',
    task: 'tensors',
    engine: 'onnx',
    files,
    threads: 1,
    contextTokens: 0,
    concurrency: 1,
  }
  const engine = createTensorEngine()
  return { engine, info: await engine.load(model) }
}

function floats({ datatype, data }: Tensor): number[] {
  const { buffer } = data.slice()
  switch (datatype) {
    case 'FP32':
      return [...new Float32Array(buffer)]
    case 'FP64':
      return [...new Float64Array(buffer)]
    case 'INT64':
      return Array.from(new BigInt64Array(buffer), Number)
    case 'INT32':
      return [...new Int32Array(buffer)]
    default:
      return [...data]
  }
}

if (missing) test.skip(`real models and conformance nodes: ${missing}`)

// Real models ------------------------------------------------------------------------------------------------

interface Expected {
  inputs: Record<string, { type: string; shape: number[] }>
  outputs: Record<string, { shape: number[]; first8: number[] }>
}

const models = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.expected.json')) : []

test.each(models.filter((name) => !name.includes('byte_')))('answers as recorded: %s', async (name) => {
  const expected = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Expected
  const { engine } = await load(join(folder, name.replace('.expected.json', '')))
  const inputs = Object.entries(expected.inputs).map(([name, { type, shape }]): Tensor => {
    const count = shape.reduce((product, size) => product * size, 1)
    if (type === 'tensor(int64)') {
      const value = name === 'sr' ? 16_000n : 1n
      const data = new Uint8Array(new BigInt64Array(count).fill(value).buffer)
      return { name, datatype: 'INT64', shape, data }
    }
    let state = 1n
    const values = Float32Array.from({ length: count }, () => {
      state = (1_103_515_245n * state + 12_345n) % 2n ** 31n
      return (2 * Number(state)) / 2 ** 31 - 1
    })
    return { name, datatype: 'FP32', shape, data: new Uint8Array(values.buffer) }
  })
  const results = await engine.infer!({ inputs }, signal)
  expect(results.map(({ name }) => name)).toEqual(Object.keys(expected.outputs))
  for (const result of results) {
    const { shape, first8 } = expected.outputs[result.name]!
    expect(result.shape).toEqual(shape)
    const got = floats(result)
    for (const [i, value] of first8.entries())
      expect(Math.abs(got[i]! - value)).toBeLessThan(1e-3 * Math.max(1, Math.abs(value)))
  }
  await engine.close()
})

// Nodes of the ONNX conformance suite --------------------------------------------------------------------------

const TYPES: Record<number, TensorType> = {
  1: 'FP32',
  2: 'UINT8',
  3: 'INT8',
  6: 'INT32',
  7: 'INT64',
  9: 'BOOL',
  10: 'FP16',
  11: 'FP64',
}
const nodeFolder = join(folder, 'node')
const nodes = existsSync(nodeFolder) ? readdirSync(nodeFolder) : []

function packedInts(bytes: Uint8Array): bigint[] {
  const out: bigint[] = []
  // A varint field of number 1 before each value makes the reader split them.
  for (let at = 0; at < bytes.length;) {
    let end = at
    while (bytes[end]! & 0x80) end++
    const [field] = readFields(Uint8Array.from([8, ...bytes.subarray(at, end + 1)]))
    out.push(field!.value!)
    at = end + 1
  }
  return out
}

/** A TensorProto with raw data; undefined for what is not a plain tensor of numbers. */
function readTensor(path: string, name: string): Tensor | undefined {
  const shape: number[] = []
  let datatype: TensorType | undefined
  let data: Uint8Array | undefined
  for (const { number, value, bytes } of readFields(new Uint8Array(readFileSync(path)))) {
    if (number === 1) shape.push(...(bytes ? packedInts(bytes) : [value!]).map(Number))
    if (number === 2) datatype = TYPES[Number(value)]
    if (number === 9) data = bytes!.slice()
  }
  return datatype && data ? { name, datatype, shape, data } : undefined
}

test.each(nodes)('conforms: %s', async (name) => {
  const set = join(nodeFolder, name, 'test_data_set_0')
  let loaded: Awaited<ReturnType<typeof load>>
  try {
    loaded = await load(join(nodeFolder, name, 'model.onnx'))
  } catch (error) {
    // Sequences and optionals cannot travel as tensors; nothing else may fail to load.
    expect(error).toMatchObject({ code: 'ENGINE_MODEL_INVALID' })
    return
  }
  const { engine, info } = loaded
  const read = (kind: string, names: readonly { name: string }[]): (Tensor | undefined)[] =>
    names.map(({ name }, i) => readTensor(join(set, `${kind}_${i}.pb`), name))
  const inputs = read('input', info.inputs!)
  const wanted = read('output', info.outputs!)
  expect(inputs.every(Boolean)).toBe(true)
  const results = await engine.infer!({ inputs: inputs as Tensor[] }, signal)
  for (const [i, result] of results.entries()) {
    const expected = wanted[i]!
    expect([result.datatype, result.shape]).toEqual([expected.datatype, expected.shape])
    const want = floats(expected)
    for (const [k, value] of floats(result).entries()) expect(value).toBeCloseTo(want[k]!, 3)
  }
  await engine.close()
})
