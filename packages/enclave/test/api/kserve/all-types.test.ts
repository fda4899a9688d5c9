import { joinByteElements } from '@sotto/protocol/tensors'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { EngineHost } from '../../../src/engines/host/index.ts'
import { openRealHost } from '../../engines/real-engines.ts'
import { startOnnx } from './engines.ts'
import { echo } from './graphs.ts'
import { type Api, apiOf, binaryInput, inferBinary, inferJson, outputsOf } from './support.ts'

/** Values at the edges of each type, as JSON writes them and as they lie in memory. */
const VALUES = {
  float: ['FP32', '[0.5,-0.0]', new Uint8Array(Float32Array.of(0.5, -0).buffer)],
  uint8: ['UINT8', '[255,0]', Uint8Array.of(255, 0)],
  int8: ['INT8', '[-128,127]', new Uint8Array(Int8Array.of(-128, 127).buffer)],
  uint16: ['UINT16', '[65535]', new Uint8Array(Uint16Array.of(65_535).buffer)],
  int16: ['INT16', '[-32768]', new Uint8Array(Int16Array.of(-32_768).buffer)],
  int32: ['INT32', '[-2147483648]', new Uint8Array(Int32Array.of(-(2 ** 31)).buffer)],
  int64: [
    'INT64',
    '[9007199254740993,-9223372036854775808]',
    new Uint8Array(BigInt64Array.of(2n ** 53n + 1n, -(2n ** 63n)).buffer),
  ],
  string: ['BYTES', '["é",""]', joinByteElements([Buffer.from('é'), new Uint8Array(0)])],
  bool: ['BOOL', '[true,false]', Uint8Array.of(1, 0)],
  float16: ['FP16', '[1.5,-65504]', new Uint8Array(Uint16Array.of(0x3e00, 0xfbff).buffer)],
  double: ['FP64', '[0.1]', new Uint8Array(Float64Array.of(0.1).buffer)],
  uint32: ['UINT32', '[4294967295]', new Uint8Array(Uint32Array.of(2 ** 32 - 1).buffer)],
  uint64: ['UINT64', '[18446744073709551615]', new Uint8Array(BigUint64Array.of(2n ** 64n - 1n).buffer)],
} as const
const entries = Object.entries(VALUES)
const lengthOf = (json: string): number => (JSON.parse(json) as unknown[]).length

let host: EngineHost
let api: Api
beforeAll(async () => {
  host = await openRealHost()
  api = apiOf((await startOnnx(host, 'echo', echo())).model)
})
afterAll(() => host.close())

it('every element type goes through the runtime and back, in JSON', async () => {
  const inputs = entries.map(
    ([name, [datatype, json]]) =>
      `{"name":"in_${name}","datatype":"${datatype}","shape":[${lengthOf(json)}],"data":${json}}`,
  )
  const text = await (await api(inferJson('echo', `{"inputs":[${inputs.join(',')}]}`))).text()
  for (const [name, [datatype, json]] of entries)
    expect(text).toContain(
      `{"name":"out_${name}","datatype":"${datatype}","shape":[${lengthOf(json)}],"data":${json}}`,
    )
})

it('every element type goes through the runtime and back, as binary data', async () => {
  const inputs = entries.map(([name, [datatype, json, data]]) =>
    binaryInput(`in_${name}`, datatype, [lengthOf(json)], data),
  )
  const json = { inputs, parameters: { binary_data_output: true } }
  const outputs = await outputsOf(
    await api(
      inferBinary(
        'echo',
        json,
        entries.map(([, [, , data]]) => data),
      ),
    ),
  )
  for (const [name, [, , data]] of entries) expect(outputs[`out_${name}`]!.bytes).toEqual(Buffer.from(data))
})

it('patterns without a form in JSON travel as binary data', async () => {
  const odd = {
    float: Float32Array.of(Number.NaN, -Infinity),
    double: Float64Array.of(Infinity),
    float16: Uint16Array.of(0x7e01, 0xfc00),
  }
  const data = entries.map(([name, [, , bytes]]) =>
    name in odd ? new Uint8Array(odd[name as keyof typeof odd].buffer) : bytes,
  )
  const inputs = entries.map(([name, [datatype, json]], i) =>
    binaryInput(
      `in_${name}`,
      datatype,
      [name in odd ? odd[name as keyof typeof odd].length : lengthOf(json)],
      data[i]!,
    ),
  )
  const json = { inputs, parameters: { binary_data_output: true } }
  const outputs = await outputsOf(await api(inferBinary('echo', json, data)))
  for (const [i, [name]] of entries.entries())
    expect(outputs[`out_${name}`]!.bytes).toEqual(Buffer.from(data[i]!))
})
