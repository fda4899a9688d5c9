import fc from 'fast-check'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { imageDigest } from '@sotto/protocol/measurement'
import type { Tensor } from '../../../src/engines/types.ts'
import { Upstream, type UpstreamConfig } from '../../../src/engines/upstream/index.ts'
import type { ServerAnswer } from '../../../src/engines/upstream/server-client.ts'
import { decodeInferAnswer } from '../../../src/engines/upstream/kserve/infer-answer.ts'
import { inferBody } from '../../../src/engines/upstream/kserve/infer-request.ts'
import { codeOf } from '../host/fake-model.ts'
import { type FakeServer, json, startFake } from './fake-server.ts'

let directory: string
let sha256: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'sotto-weights-'))
  writeFileSync(join(directory, 'model.bin'), 'weights', { mode: 0o644 })
  sha256 = imageDigest([
    { path: 'model.bin', mode: 0o644, sha256: createHash('sha256').update('weights').digest('hex') },
  ])
})
afterAll(() => rmSync(directory, { recursive: true }))
const configOf = (url: string, model: string): UpstreamConfig => ({
  id: 'house/echo',
  kind: 'kserve',
  task: 'tensors',
  url,
  model,
  weights: { directory, sha256 },
  prefixCache: undefined,
  responseCache: 'none',
  apiKeyFile: undefined,
  concurrency: 2,
})

const floats = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer)
const X: Tensor = { name: 'x', datatype: 'FP32', shape: [2, 1], data: floats(1.5, -0.25) }
const BIG: Tensor = {
  name: 'n',
  datatype: 'INT64',
  shape: [2],
  data: new Uint8Array(BigInt64Array.of(2n ** 62n + 1n, -5n).buffer),
}

/** What a server would answer that gives back what it got. */
function echo(inputs: readonly Tensor[], isBinary: boolean): Tensor[] {
  const { parts, headers } = inferBody({ inputs }, isBinary)
  const bytes = Buffer.concat(parts)
  const length = Number(headers['inference-header-content-length'] ?? bytes.length)
  const head = Buffer.from(bytes.subarray(0, length)).toString().replace('"inputs"', '"outputs"')
  const answer = Buffer.concat([Buffer.from(head), bytes.subarray(length)])
  return decodeInferAnswer(
    {
      status: 200,
      bytes: new Uint8Array(answer),
      headers: isBinary ? { 'inference-header-content-length': `${Buffer.byteLength(head)}` } : {},
    },
    undefined,
  )
}

const WIDTHS = {
  BOOL: 1,
  UINT8: 1,
  INT8: 1,
  UINT16: 2,
  INT16: 2,
  UINT32: 4,
  INT32: 4,
  UINT64: 8,
  INT64: 8,
  FP32: 4,
  FP64: 8,
} as const

describe('tensors to a KServe v2 server and back', () => {
  it.each([true, false])('lose nothing, whatever their type (binary: %s)', (isBinary) => {
    fc.assert(
      fc.property(
        fc.constantFrom(...(Object.keys(WIDTHS) as (keyof typeof WIDTHS)[])),
        fc.uint8Array({ minLength: 48, maxLength: 48 }),
        (datatype, bytes) => {
          const data = datatype === 'BOOL' ? bytes.map((byte) => byte & 1) : bytes
          const tensor: Tensor = { name: 't', datatype, shape: [48 / WIDTHS[datatype] / 2, 2], data }
          if (!isBinary && (datatype === 'FP32' || datatype === 'FP64')) {
            const values =
              datatype === 'FP32'
                ? new Float32Array(data.slice().buffer)
                : new Float64Array(data.slice().buffer)
            if (!values.every((value) => Number.isFinite(value) && !Object.is(value, -0))) return
          }
          const [back] = echo([tensor], isBinary)
          expect(back).toEqual(tensor)
          expect([...back!.data]).toEqual([...data])
        },
      ),
      { numRuns: 100 },
    )
  })

  it('keep texts, and say which cannot travel', () => {
    const text: Tensor = {
      name: 's',
      datatype: 'BYTES',
      shape: [2],
      data: Uint8Array.of(2, 0, 0, 0, 0xc3, 0xa4, 0, 0, 0, 0),
    }
    for (const isBinary of [true, false]) expect([...echo([text], isBinary)[0]!.data]).toEqual([...text.data])
    const raw: Tensor = { ...text, shape: [1], data: Uint8Array.of(1, 0, 0, 0, 0xff) }
    expect([...echo([raw], true)[0]!.data]).toEqual([...raw.data])
    expect(() => echo([raw], false)).toThrow(expect.objectContaining({ code: 'ENGINE_INPUT' }) as Error)
    expect(() => echo([{ ...X, data: floats(NaN, 1) }], false)).toThrow(
      expect.objectContaining({ code: 'ENGINE_INPUT' }) as Error,
    )
    expect(() => inferBody({ inputs: [{ ...X, shape: [3] }] }, true)).toThrow(
      expect.objectContaining({ code: 'ENGINE_INPUT' }) as Error,
    )
  })

  it.each<[string, object, string?, Record<string, string>?]>([
    ['no outputs', {}],
    ['an unknown datatype', { outputs: [{ name: 'a', datatype: 'BF16', shape: [1], data: [1] }] }],
    ['too few elements', { outputs: [{ name: 'a', datatype: 'FP32', shape: [2], data: [1] }] }],
    [
      'a shape without end',
      { outputs: [{ name: 'a', datatype: 'FP32', shape: [2 ** 53, 2 ** 53], data: [] }] },
    ],
    ['a free dimension', { outputs: [{ name: 'a', datatype: 'FP32', shape: [-1], data: [1] }] }],
    ['a number that is none', { outputs: [{ name: 'a', datatype: 'FP32', shape: [1], data: ['1'] }] }],
    ['a number out of range', { outputs: [{ name: 'a', datatype: 'UINT8', shape: [1], data: [256] }] }],
    ['a fraction', { outputs: [{ name: 'a', datatype: 'INT32', shape: [1], data: [0.5] }] }],
    [
      'one output twice',
      { outputs: [X, X].map(({ name }) => ({ name, datatype: 'FP32', shape: [1], data: [1] })) },
    ],
    [
      'more raw bytes than come',
      { outputs: [{ name: 'a', datatype: 'FP32', shape: [1], parameters: { binary_data_size: 4 } }] },
    ],
    ['bytes behind the outputs', { outputs: [] }, 'xx', { 'inference-header-content-length': '14' }],
    ['a length that is none', { outputs: [] }, '', { 'inference-header-content-length': 'x' }],
  ])('refuse an answer with %s', (_, head, rest = '', headers = {}) => {
    const bytes = Buffer.from(JSON.stringify(head) + rest)
    expect(() => decodeInferAnswer({ status: 200, bytes, headers }, undefined)).toThrow(
      expect.objectContaining({ code: 'ENGINE_PROTOCOL' }) as Error,
    )
  })
})

describe('an answer with more than was asked for', () => {
  /** Two raw outputs of these many bytes, behind JSON with this much blank space. */
  function answerOf(asked: number, other: number, blanks = 0): ServerAnswer {
    const outputs = [
      { name: 'y', size: asked },
      { name: 'z', size: other },
    ].map(({ name, size }) => ({
      name,
      datatype: 'UINT8',
      shape: [size],
      parameters: { binary_data_size: size },
    }))
    const head = Buffer.from(JSON.stringify({ outputs }) + ' '.repeat(blanks))
    const bytes = new Uint8Array(head.length + asked + other)
    bytes.set(head)
    bytes.fill(7, head.length, head.length + asked)
    return { status: 200, headers: { 'inference-header-content-length': `${head.length}` }, bytes }
  }

  it.each<[string, ServerAnswer]>([
    ['another output', answerOf(1000, 2 ** 20)],
    ['blank space', answerOf(1000, 0, 2 ** 20)],
  ])('leaves only what was in memory, which is counted: %s', (_, answer) => {
    const holds: number[] = []
    const [output, ...more] = decodeInferAnswer(answer, ['y'], (bytes) => void holds.push(bytes))
    expect([output!.data.buffer.byteLength, more, holds]).toEqual([1000, [], [1000]])
    expect(output!.data.every((byte) => byte === 7)).toBe(true)
  })

  it('is not copied where it is little, nor where there is no memory for a copy', () => {
    const answer = answerOf(2 ** 20, 1000)
    const [output] = decodeInferAnswer(answer, ['y'], () => expect.unreachable())
    expect(output!.data.buffer).toBe(answer.bytes.buffer)
    const full = (): never => {
      throw new Error('full')
    }
    expect(() => decodeInferAnswer(answerOf(1000, 2 ** 20), ['y'], full)).toThrow('full')
  })
})

describe('a KServe v2 server beside the enclave', () => {
  let server: FakeServer
  beforeEach(async () => {
    server = await startFake((seen, response) => {
      if (seen.route === 'GET /v2')
        return json(response, { name: 'fake', version: '1', extensions: ['binary_tensor_data'] })
      if (seen.route.startsWith('GET'))
        return json(response, {
          name: 'echo',
          inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 1] }],
          outputs: [],
        })
      const length = Number(seen.headers['inference-header-content-length'])
      const head = Buffer.from(seen.body.subarray(0, length).toString().replace('"inputs"', '"outputs"'))
      response.writeHead(200, { 'inference-header-content-length': `${head.length}` })
      return void response.end(Buffer.concat([head, seen.body.subarray(length)]))
    })
  })
  afterEach(() => server.close())

  it('states its signature and runs tensors, raw where the server can', async () => {
    const upstream = await Upstream.open(configOf(server.url, 'echo'), { timeoutMs: 0 })
    expect(upstream.tensors).toEqual({
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 1] }],
      outputs: [],
    })
    const [x, n] = await upstream.infer({ inputs: [X, BIG] })
    expect([[...x!.data], [...n!.data]]).toEqual([[...X.data], [...BIG.data]])
    expect(await codeOf(upstream.infer({ inputs: [X], outputs: ['y'] }))).toBe('ENGINE_PROTOCOL')
    expect(server.seen.map(({ route }) => route)).toEqual([
      'GET /v2/models/echo/ready',
      'GET /v2/models/echo',
      'GET /v2',
      'POST /v2/models/echo/infer',
      'POST /v2/models/echo/infer',
    ])
  })

  it('is refused when it has another model', async () => {
    expect(await codeOf(Upstream.open(configOf(server.url, 'other'), { timeoutMs: 0 }))).toBe(
      'ENGINE_MODEL_INVALID',
    )
  })
})

/** A real one, an independent implementation: test/interop/kserve_server says how to start it. */
const REAL = process.env['SOTTO_KSERVE_SERVER']
describe.skipIf(REAL === undefined)('a real KServe v2 server', () => {
  it('gives back what it is sent, with exact integers and texts', async () => {
    const upstream = await Upstream.open(configOf(REAL!, 'echo'), { timeoutMs: 60_000 })
    const text: Tensor = {
      name: 's',
      datatype: 'BYTES',
      shape: [2, 1],
      data: Uint8Array.of(2, 0, 0, 0, 0xc3, 0xa4, 1, 0, 0, 0, 0x62),
    }
    const outputs = await upstream.infer({ inputs: [X, BIG, text] })
    const found = new Map(outputs.map((one) => [one.name, [...one.data]]))
    expect([found.get('x'), found.get('n'), found.get('s')]).toEqual([
      [...X.data],
      [...BIG.data],
      [...text.data],
    ])
  })
})
