import type { Tensor } from '../../../src/engines/types.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EngineHost } from '../../../src/engines/host/index.ts'
import { openRealHost } from '../../engines/real-engines.ts'
import { testdataMissing } from '../../engines/testdata.ts'
import { loadOnnx, startOnnx } from './engines.ts'
import {
  bytesOf,
  conformanceNodes,
  expectedOf,
  inputsOf,
  numbersOf,
  readNpz,
  readTensorProto,
  recordedModels,
} from './recorded.ts'
import { apiOf, type Api, inferBinary, inferJson, outputsOf } from './support.ts'

const missing = testdataMissing()

/** Asks by the API both ways, which must agree, and answers with numbers. */
async function ask(
  api: Api,
  id: string,
  inputs: readonly Tensor[],
): Promise<Record<string, { datatype: string; shape: number[]; values: number[] }>> {
  const about = inputs.map(({ name, datatype, shape, data }) => ({
    name,
    datatype,
    shape,
    parameters: { binary_data_size: data.length },
  }))
  const json = { inputs: about, parameters: { binary_data_output: true } }
  const binary = await outputsOf(
    await api(
      inferBinary(
        id,
        json,
        inputs.map(({ data }) => data),
      ),
    ),
  )
  const written = inputs.map(({ name, datatype, shape, data }) => {
    const numbers = numbersOf(datatype, data)
    return { name, datatype, shape, data: datatype === 'BOOL' ? numbers.map(Boolean) : numbers }
  })
  const response = await api(inferJson(id, { inputs: written }))
  const found = Object.entries(binary).map(
    ([name, { datatype, shape, bytes }]) =>
      [name, { datatype, shape, values: numbersOf(datatype, bytes!) }] as const,
  )
  // NaN and infinite values are refused in JSON; whatever has a form there must be the same.
  if (response.status === 200) {
    const text = await outputsOf(response)
    for (const [name, { datatype, shape, values }] of found) {
      const { data, ...about } = text[name]!
      expect(about).toEqual({ datatype, shape })
      // Not by toEqual: to show how two long lists differ takes minutes.
      const same =
        data!.length === values.length && data!.every((value, i) => Object.is(Number(value), values[i]))
      expect(same).toBe(true)
    }
  } else {
    const sent = inputs.flatMap(({ datatype, data }) => numbersOf(datatype, data))
    const got = found.flatMap(([, { values }]) => values)
    expect([...sent, ...got].every(Number.isFinite)).toBe(false)
  }
  return Object.fromEntries(found)
}

function expectClose(values: readonly number[], wanted: readonly number[], absolute: number): void {
  for (const [i, value] of wanted.entries())
    expect(Math.abs(values[i]! - value)).toBeLessThanOrEqual(absolute + 1e-3 * Math.abs(value))
}

describe.skipIf(missing !== undefined)('models of the test data, by tensor', () => {
  let host: EngineHost
  beforeAll(async () => {
    host = await openRealHost()
  })
  afterAll(() => host.close())

  it.each(recordedModels())('%s answers as recorded', async (name) => {
    const expected = expectedOf(name)
    const { engine, model } = await startOnnx(host, `onnx/${name}`.toLowerCase(), bytesOf(name))
    try {
      const outputs = await ask(apiOf(model), model.id, inputsOf(expected))
      expect(Object.keys(outputs)).toEqual(Object.keys(expected.outputs))
      for (const [output, { shape, values }] of Object.entries(outputs)) {
        const wanted = expected.outputs[output]!
        expect(shape).toEqual(wanted.shape)
        expectClose(values.slice(0, 8), wanted.first8, 1e-3)
        const sum = values.reduce((total, value) => total + value, 0)
        const size = values.reduce((total, value) => total + Math.abs(value), 0)
        expect(Math.abs(sum - wanted.sum)).toBeLessThanOrEqual(1e-3 * Math.max(1, size))
        const most = values.reduce((best, value, i) => (value > values[best]! ? i : best), 0)
        expect(most).toBe(wanted.argmax)
      }
    } finally {
      await engine.close()
    }
  })

  it('tract_byte_sb_bidi_lstm answers as its makers recorded', async () => {
    const [input, output] = readNpz('tract_byte_sb_bidi_lstm.io.npz')
    const loaded = await loadOnnx('bytes', bytesOf('tract_byte_sb_bidi_lstm.onnx'))
    const [port] = loaded.model.tensors!.inputs
    const outputs = await ask(apiOf(loaded.model), 'bytes', [{ ...input!, name: port!.name }])
    const [found] = Object.values(outputs)
    expect(found!.shape).toEqual(output!.shape)
    expectClose(found!.values, numbersOf('FP32', output!.data), 1e-3)
    await loaded.close()
  })
})

describe.skipIf(missing !== undefined)('nodes of the ONNX conformance suite, by tensor', () => {
  it('there are some', () => {
    expect(conformanceNodes().length).toBeGreaterThanOrEqual(25)
  })

  it.each(conformanceNodes())('%s', async (name) => {
    const { model, close } = await loadOnnx(name, bytesOf(`node/${name}/model.onnx`))
    const tensors = (kind: string, ports: readonly { name: string }[]): Tensor[] =>
      ports.map((port, i) => readTensorProto(`node/${name}/test_data_set_0/${kind}_${i}.pb`, port.name))
    const outputs = await ask(apiOf(model), name, tensors('input', model.tensors!.inputs))
    for (const wanted of tensors('output', model.tensors!.outputs)) {
      const { datatype, shape, values } = outputs[wanted.name]!
      expect([datatype, shape]).toEqual([wanted.datatype, wanted.shape])
      const numbers = numbersOf(wanted.datatype, wanted.data)
      expect(values.length).toBe(numbers.length)
      // What cancels out to nearly nothing is as exact as what it was made of.
      const largest = numbers.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
      expectClose(values, numbers, 1e-6 + 1e-5 * largest)
    }
    await close()
  })
})
