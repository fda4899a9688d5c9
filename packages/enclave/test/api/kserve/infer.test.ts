import { joinByteElements, splitByteElements } from '@sotto/protocol/tensors'
import { describe, expect, it } from 'vitest'
import type { InferRequest } from '../../../src/engines/types.ts'
import {
  apiOf,
  binaryInput,
  echoModel,
  errorOf,
  inferBinary,
  inferJson,
  outputsOf,
  pairModel,
} from './support.ts'

const only = (name: string, over: object = {}): ReturnType<typeof echoModel> => {
  const model = echoModel()
  const port = model.tensors!.inputs.filter((port) => port.name === name)
  return { ...model, tensors: { inputs: port, outputs: port }, ...over }
}
const input = (datatype: string, data: string, length: number): string =>
  `{"inputs":[{"name":"${datatype}","datatype":"${datatype}","shape":[${length}],"data":${data}}]}`

describe('JSON tensors', () => {
  it.each([
    ['BOOL', '[true,false]', 2],
    ['UINT8', '[0,255]', 2],
    ['UINT16', '[65535]', 1],
    ['UINT32', '[4294967295]', 1],
    ['UINT64', '[18446744073709551615,9007199254740993]', 2],
    ['INT8', '[-128,127]', 2],
    ['INT16', '[-32768,32767]', 2],
    ['INT32', '[-2147483648,2147483647]', 2],
    // Beyond 2^53 both ways, each one off what a double could hold.
    ['INT64', '[-9223372036854775808,9223372036854775807,9007199254740993,-9007199254740993]', 4],
    ['FP16', '[0.5,-65504,0.000000059604644775390625]', 3],
    ['FP32', '[0.5,-0.0,3.4028234663852886e+38,1.401298464324817e-45]', 4],
    ['FP64', '[0.1,-0.0,1.7976931348623157e+308,5e-324]', 4],
    ['BYTES', '["","é\\"\\\\","\\u0000"]', 3],
  ])('%s comes back as it was', async (datatype, data, length) => {
    const response = await apiOf(only(datatype))(inferJson('owner/echo', input(datatype, data, length)))
    const text = await response.text()
    const { outputs } = JSON.parse(text) as { outputs: { shape: number[] }[] }
    expect([response.status, outputs[0]!.shape]).toEqual([200, [length]])
    const written = /"data":(\[.*\])\}\]\}$/.exec(text)![1]!
    // Numbers are compared as they are written: JSON.parse would round them.
    if (datatype.includes('INT')) expect(written).toBe(data)
    else expect(JSON.parse(written)).toEqual(JSON.parse(data))
  })

  it('takes nested data, and one row', async () => {
    const api = apiOf(pairModel())
    const b = { name: 'b', datatype: 'INT64', shape: [], data: [10] }
    for (const data of [
      [1, 2, 3, 4],
      [
        [1, 2],
        [3, 4],
      ],
    ]) {
      const body = { id: 'r-1', inputs: [{ name: 'a', datatype: 'FP32', shape: [2, 2], data }, b] }
      const response = await api(inferJson('pair', body))
      expect(await response.json()).toEqual({
        model_name: 'pair',
        model_version: 'e'.repeat(64),
        id: 'r-1',
        outputs: [
          { name: 'sum', datatype: 'FP32', shape: [2, 2], data: [11, 12, 13, 14] },
          { name: 'word', datatype: 'BYTES', shape: [1], data: ['ok'] },
        ],
      })
    }
  })

  it('answers with the outputs asked for, in that order', async () => {
    const inputs = [
      { name: 'b', datatype: 'INT64', shape: [], data: [0] },
      { name: 'a', datatype: 'FP32', shape: [2, 0], data: [] },
    ]
    const outputs = [{ name: 'word' }, { name: 'sum' }]
    const response = await apiOf(pairModel())(inferJson('pair', { inputs, outputs }))
    expect(Object.entries(await outputsOf(response))).toEqual([
      ['word', { datatype: 'BYTES', shape: [1], data: ['ok'] }],
      ['sum', { datatype: 'FP32', shape: [2, 0], data: [] }],
    ])
  })
})

describe('binary tensors', () => {
  const raw = {
    FP16: Uint8Array.of(0x00, 0x7c, 0xff, 0x7e),
    FP32: new Uint8Array(Float32Array.of(Number.NaN, -Infinity).buffer),
    INT64: new Uint8Array(BigInt64Array.of(2n ** 53n + 1n, -1n).buffer),
    BYTES: joinByteElements([Uint8Array.of(0xff, 0xfe), new Uint8Array(0)]),
  } as const

  it.each(Object.keys(raw) as (keyof typeof raw)[])(
    '%s travels byte by byte, both ways',
    async (datatype) => {
      const asked: InferRequest[] = []
      const model = only(datatype, { infer: echoModel(asked).infer })
      const json = {
        inputs: [binaryInput(datatype, datatype, [2], raw[datatype])],
        parameters: { binary_data_output: true },
      }
      const response = await apiOf(model)(inferBinary('owner/echo', json, [raw[datatype]]))
      expect(response.headers.get('content-type')).toBe('application/octet-stream')
      const outputs = await outputsOf(response)
      expect(outputs[datatype]!.bytes).toEqual(Buffer.from(raw[datatype]))
      expect(asked[0]!.inputs[0]!.data).toEqual(raw[datatype])
    },
  )

  it('mixes with JSON, in and out', async () => {
    const a = new Uint8Array(Float32Array.of(1, 2).buffer)
    const json = {
      inputs: [{ name: 'b', datatype: 'INT64', shape: [], data: [1] }, binaryInput('a', 'FP32', [2, 1], a)],
      outputs: [
        { name: 'sum', parameters: { binary_data: true } },
        { name: 'word', parameters: { binary_data: false } },
      ],
    }
    const outputs = await outputsOf(await apiOf(pairModel())(inferBinary('pair', json, [a])))
    expect([
      ...new Float32Array(
        outputs['sum']!.bytes!.buffer.slice(
          outputs['sum']!.bytes!.byteOffset,
          outputs['sum']!.bytes!.byteOffset + 8,
        ),
      ),
    ]).toEqual([2, 3])
    expect(outputs['word']!.data).toEqual(['ok'])
  })

  it('an output may differ from the default of the request', async () => {
    const inputs = [
      { name: 'a', datatype: 'FP32', shape: [2, 1], data: [1, 2] },
      { name: 'b', datatype: 'INT64', shape: [], data: [1] },
    ]
    const outputs = [{ name: 'sum', parameters: { binary_data: false } }, { name: 'word' }]
    const json = { inputs, outputs, parameters: { binary_data_output: true } }
    const found = await outputsOf(await apiOf(pairModel())(inferJson('pair', json)))
    expect(found['sum']!.data).toEqual([2, 3])
    expect(splitByteElements(found['word']!.bytes!, 1)!.map((word) => word.toString())).toEqual(['ok'])
  })

  it.each([
    ['FP32', raw.FP32],
    ['FP16', raw.FP16],
    ['BYTES', raw.BYTES],
  ] as const)('%s without a form in JSON is refused there, not changed', async (datatype, data) => {
    const json = { inputs: [binaryInput(datatype, datatype, [2], data)] }
    const error = await errorOf(await apiOf(only(datatype))(inferBinary('owner/echo', json, [data])))
    expect(error).toMatchObject({ status: 400, code: 'api_unsupported' })
    expect(error.error).toContain(`the output "${datatype}"`)
    expect(error.error).toContain('binary_data')
  })

  it('reads a body that comes in small pieces', async () => {
    const data = new Uint8Array(Float32Array.from({ length: 5000 }, (_, i) => i).buffer)
    const whole = inferBinary(
      'owner/echo',
      { inputs: [binaryInput('FP32', 'FP32', [5000], data)], parameters: { binary_data_output: true } },
      [data],
    )
    const bytes = new Uint8Array(await whole.arrayBuffer())
    let at = 0
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (at >= bytes.length) controller.close()
        else controller.enqueue(bytes.slice(at, (at += 7 + (at % 13))))
      },
    })
    const request = new Request(whole.url, {
      method: 'POST',
      headers: whole.headers,
      body,
      duplex: 'half',
    } as RequestInit)
    expect((await outputsOf(await apiOf(only('FP32'))(request)))['FP32']!.bytes).toEqual(Buffer.from(data))
  })
})

describe('an engine that answers something else', () => {
  const pair = pairModel()
  const inputs = [
    { name: 'a', datatype: 'FP32', shape: [2, 1], data: [1, 2] },
    { name: 'b', datatype: 'INT64', shape: [], data: [1] },
  ]
  const word = { name: 'word', datatype: 'BYTES', shape: [1], data: Uint8Array.of(0, 0, 0, 0) } as const
  const sum = { name: 'sum', datatype: 'FP32', shape: [2], data: new Uint8Array(8) } as const
  it.each([
    ['too few', [sum]],
    ['another name', [sum, { ...word, name: 'x' }]],
    ['another order', [word, sum]],
    ['less data than its shape', [{ ...sum, shape: [3] }, word]],
    ['a shape of no sense', [{ ...sum, shape: [-2] }, word]],
    ['a shape beyond all bounds', [{ ...sum, shape: [2 ** 40, 2 ** 40] }, word]],
    ['elements that are cut', [sum, { ...word, data: Uint8Array.of(9, 0, 0, 0, 1) }]],
    ['more elements than data', [sum, { ...word, shape: [2 ** 31] }]],
  ])('%s', async (_, outputs) => {
    const api = apiOf({ ...pair, infer: async () => outputs })
    expect(await errorOf(await api(inferJson('pair', { inputs })))).toMatchObject({
      status: 503,
      code: 'engine_protocol',
    })
  })
})
