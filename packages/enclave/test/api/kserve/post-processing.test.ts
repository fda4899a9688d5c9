import { splitByteElements } from '@sotto/protocol/tensors'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { EngineHost, EngineProcess } from '../../../src/engines/host/index.ts'
import { openRealHost } from '../../engines/real-engines.ts'
import { startOnnx } from './engines.ts'
import { listener, SAMPLES, tone } from './listener.ts'
import { type Api, apiOf, binaryInput, inferBinary, inferJson, outputsOf } from './support.ts'

let host: EngineHost
let engine: EngineProcess
let api: Api
beforeAll(async () => {
  host = await openRealHost()
  const started = await startOnnx(host, 'ears', listener())
  engine = started.engine
  api = apiOf(started.model)
})
afterAll(async () => {
  await engine?.close()
  await host.close()
})

const recording = new Float32Array([...tone(880, 0.5), ...tone(220, 0.05)])
const bytes = new Uint8Array(recording.buffer)

it('samples in, text out: in JSON, with a truth value and a 64-bit integer beside it', async () => {
  const inputs = [{ name: 'samples', datatype: 'FP32', shape: [2, SAMPLES], data: [...recording] }]
  expect(await outputsOf(await api(inferJson('ears', { inputs })))).toEqual({
    text: { datatype: 'BYTES', shape: [2], data: ['hög', 'low'] },
    index: { datatype: 'INT64', shape: [2], data: [2, 0] },
    loud: { datatype: 'BOOL', shape: [2], data: [true, false] },
  })
})

it('and as binary data', async () => {
  const json = {
    inputs: [binaryInput('samples', 'FP32', [2, SAMPLES], bytes)],
    outputs: [{ name: 'text' }, { name: 'loud' }],
    parameters: { binary_data_output: true },
  }
  const { text, loud } = await outputsOf(await api(inferBinary('ears', json, [bytes])))
  expect(splitByteElements(text!.bytes!, 2)!.map((word) => Buffer.from(word).toString())).toEqual([
    'hög',
    'low',
  ])
  expect([...loud!.bytes!]).toEqual([1, 0])
})
