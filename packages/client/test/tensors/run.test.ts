import { concat, utf8 } from '@sotto/protocol/bytes'
import { joinByteElements } from '@sotto/protocol/tensors'
import { acceptsSoftware, verifyReceipt } from '@sotto/verifier'
import { beforeEach, describe, expect, it } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { parseResult } from '../../src/receipts/index.ts'
import { outputsOfResult, type TensorInput, textsOf } from '../../src/tensors/index.ts'
import type { Sotto } from '../../src/types.ts'
import { open } from '../support/open.ts'
import { createService, type FakeService } from '../support/service.ts'

/** What receipts of the fake service say answered. */
const MODEL = 'c3'.repeat(32)

interface Head {
  inputs: { name: string; datatype: string; shape: number[]; parameters: { binary_data_size: number } }[]
  outputs?: { name: string }[]
  parameters: object
}

/** What the service was asked, taken apart. */
async function asked(request: Request): Promise<{ head: Head; data: Uint8Array }> {
  const body = new Uint8Array(await request.arrayBuffer())
  const length = Number(request.headers.get('inference-header-content-length'))
  return {
    head: JSON.parse(new TextDecoder().decode(body.subarray(0, length))) as Head,
    data: body.slice(length),
  }
}

/** An answer with these tensors as binary data. */
function answer(
  outputs: [name: string, datatype: string, shape: number[], data: Uint8Array][],
  over: object = {},
): Response {
  const about = outputs.map(([name, datatype, shape, data]) => ({
    name,
    datatype,
    shape,
    parameters: { binary_data_size: data.length },
  }))
  const json = utf8(JSON.stringify({ model_name: 'owner/m', model_version: MODEL, outputs: about, ...over }))
  return new Response(concat(json, ...outputs.map(([, , , data]) => data)) as BodyInit, {
    headers: {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(json.length),
    },
  })
}

let service: FakeService
let sotto: Sotto
beforeEach(async () => {
  service = await createService()
  sotto = await open(service)
})

const floats = new Uint8Array(Float32Array.of(0.5, -0).buffer)

describe('sotto.tensors.run', () => {
  it('sends tensors as they lie in memory, and reads every datatype', async () => {
    let seen: Awaited<ReturnType<typeof asked>> | undefined
    let path = ''
    service.knobs.app = async (request) => {
      path = new URL(request.url).pathname
      seen = await asked(request)
      return answer([
        ['f', 'FP32', [2], floats],
        ['h', 'FP16', [1], Uint8Array.of(0, 0x3e)],
        ['n', 'INT64', [], new Uint8Array(BigInt64Array.of(2n ** 53n + 1n).buffer)],
        ['t', 'BOOL', [2], Uint8Array.of(1, 0)],
        ['w', 'BYTES', [1, 2], joinByteElements([utf8('é'), utf8('')])],
      ])
    }
    const inputs: Record<string, TensorInput> = {
      a: Float32Array.of(0.5, -0),
      b: { data: [1n, 2 ** 40], datatype: 'INT64', shape: [2, 1] },
      c: { data: [true, false], datatype: 'BOOL' },
      d: { data: ['é', Uint8Array.of(0xff)], datatype: 'BYTES' },
      e: { data: Float32Array.of(1.5), datatype: 'FP16' },
      g: { data: BigUint64Array.of(2n ** 64n - 1n), shape: [] },
    }
    const { outputs, model, version, receipt } = await sotto.tensors.run('owner/m', inputs)
    expect(path).toBe('/v2/models/owner%2Fm/infer')
    expect(seen!.head.inputs.map(({ name, datatype, shape }) => [name, datatype, shape])).toEqual([
      ['a', 'FP32', [2]],
      ['b', 'INT64', [2, 1]],
      ['c', 'BOOL', [2]],
      ['d', 'BYTES', [2]],
      ['e', 'FP16', [1]],
      ['g', 'UINT64', []],
    ])
    expect(seen!.data).toEqual(
      concat(
        floats,
        new Uint8Array(BigInt64Array.of(1n, 2n ** 40n).buffer),
        Uint8Array.of(1, 0),
        joinByteElements([utf8('é'), Uint8Array.of(0xff)]),
        Uint8Array.of(0, 0x3e),
        new Uint8Array(BigUint64Array.of(2n ** 64n - 1n).buffer),
      ),
    )
    expect(outputs['f']!.data).toEqual(Float32Array.of(0.5, -0))
    expect(outputs['h']!.data).toEqual(Float32Array.of(1.5))
    expect(outputs['n']).toEqual({ datatype: 'INT64', shape: [], data: BigInt64Array.of(2n ** 53n + 1n) })
    expect(outputs['t']!.data).toEqual(Uint8Array.of(1, 0))
    expect(textsOf(outputs['w']!)).toEqual(['é', ''])
    expect([model, version, receipt!.version]).toEqual(['owner/m', MODEL, 1])
  })

  it('asks for outputs and for a version', async () => {
    let head: Head | undefined
    let path = ''
    service.knobs.app = async (request) => {
      path = new URL(request.url).pathname
      head = (await asked(request)).head
      return answer([['f', 'FP32', [2], floats]])
    }
    await sotto.tensors.run('m', {}, { outputs: ['f'], version: MODEL })
    expect([path, head!.outputs]).toEqual([`/v2/models/m/versions/${MODEL}/infer`, [{ name: 'f' }]])
  })

  it('describes a model', async () => {
    const ports = [{ name: 'x', datatype: 'FP32', shape: [-1, 3] }]
    service.knobs.app = () =>
      Response.json({
        name: 'm',
        versions: [MODEL],
        platform: 'onnxruntime_onnx',
        inputs: ports,
        outputs: ports,
      })
    expect(await sotto.tensors.describe('m')).toEqual({
      model: 'm',
      version: MODEL,
      inputs: ports,
      outputs: ports,
    })
    service.knobs.app = () => Response.json({ name: 'm', versions: [], inputs: [], outputs: [] })
    await expect(sotto.tensors.describe('m')).rejects.toMatchObject({ code: 'RESPONSE_INVALID' })
  })

  it.each<[string, TensorInput]>([
    ['a list without datatype', { data: [1] }],
    ['a shape that does not fit', { data: [1], datatype: 'FP32', shape: [2] }],
    ['a negative size', { data: [], datatype: 'FP32', shape: [-1] }],
    ['another kind of array', { data: Float64Array.of(1), datatype: 'FP32' }],
    ['a number that was rounded', { data: [2 ** 53], datatype: 'INT64' }],
    ['an integer out of range', { data: [256], datatype: 'UINT8' }],
    ['a fraction', { data: [0.5], datatype: 'INT32' }],
    ['a text as a number', { data: ['1'], datatype: 'FP32' }],
    ['a lone surrogate', { data: ['\ud800'], datatype: 'BYTES' }],
    ['a truth value of two', { data: Uint8Array.of(2), datatype: 'BOOL' }],
    ['a datatype of no name', { data: [1], datatype: 'FP8' as 'FP16' }],
  ])('sends nothing for %s', async (_, input) => {
    await expect(sotto.tensors.run('m', { x: input })).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
    expect(service.innerCalls).toEqual([])
  })

  it.each<[string, () => Response]>([
    ['cut data', () => answer([['f', 'FP32', [3], floats]])],
    [
      'data left over',
      () =>
        new Response(
          concat(
            utf8(JSON.stringify({ model_name: 'm', model_version: MODEL, outputs: [] })),
            floats,
          ) as BodyInit,
          { headers: { 'inference-header-content-length': '80' } },
        ),
    ],
    [
      'an output twice',
      () =>
        answer([
          ['f', 'FP32', [2], floats],
          ['f', 'FP32', [2], floats],
        ]),
    ],
    ['an unknown datatype', () => answer([['f', 'BF16', [2], floats]])],
    ['no version', () => answer([['f', 'FP32', [2], floats]], { model_version: undefined })],
    ['another output', () => answer([['g', 'FP32', [2], floats]])],
    ['another version', () => answer([['f', 'FP32', [2], floats]], { model_version: 'd4'.repeat(32) })],
    ['no JSON', () => new Response('<html>')],
  ])('refuses an answer with %s', async (_, respond) => {
    service.knobs.app = respond
    await expect(sotto.tensors.run('m', {}, { outputs: ['f'], version: MODEL })).rejects.toMatchObject({
      code: 'RESPONSE_INVALID',
    })
  })

  it('refuses a receipt about another model than the answer names', async () => {
    service.knobs.app = () => answer([['f', 'FP32', [2], floats]], { model_version: 'd4'.repeat(32) })
    await expect(sotto.tensors.run('m', {})).rejects.toMatchObject({ code: 'RECEIPT_INVALID' })
  })

  it.each([
    [400, { error: 'no such input', code: 'api_invalid' }, 'INFERENCE_REFUSED', 'api_invalid'],
    [404, { error: { message: 'gone', code: 'model_not_found' } }, 'INFERENCE_REFUSED', 'model_not_found'],
    [429, { error: 'busy', code: 'engine_busy' }, 'INFERENCE_FAILED', 'engine_busy'],
    [503, {}, 'INFERENCE_FAILED', undefined],
  ])('turns status %i into an error that says what to do', async (status, body, code, found) => {
    service.knobs.app = () => Response.json(body, { status })
    await expect(sotto.tensors.run('m', {})).rejects.toMatchObject({ code, ...(found && { found }) })
  })
})

describe('a kept result', () => {
  const kept = async (): Promise<Uint8Array> => {
    service.knobs.app = () => answer([['f', 'FP32', [2], floats]])
    return (await sotto.tensors.run('m', { x: Float32Array.of(1) })).save()
  }

  it('holds request, answer and receipt, and is verified offline', async () => {
    const result = parseResult(await kept())
    const { request, response, receipt } = result
    const policy = service.world.policy
    const subject = {
      request: { ...request, body: [request.body] },
      response: { ...response, body: [response.body] },
    }
    const { ok, steps } = verifyReceipt(receipt, policy, subject)
    const others = steps.filter(({ status }) => status !== 'pass')
    expect([ok, others.filter(({ name, required }) => required || name.startsWith('receipt.'))]).toEqual([
      true,
      [],
    ])
    expect(request.path).toBe('/v2/models/m/infer')
    expect(outputsOfResult(result)).toEqual({
      model: 'owner/m',
      version: MODEL,
      outputs: { f: { datatype: 'FP32', shape: [2], data: Float32Array.of(0.5, -0) } },
    })
    expect(acceptsSoftware(policy)).toBe(true)
  })

  it(claim('T16', 'is refused with one byte of it changed, whichever'), async () => {
    const file = await kept()
    for (let at = 0; at < file.length; at += at < 64 || at > file.length - 600 ? 1 : 37) {
      const changed = file.slice()
      changed[at]! ^= 1
      expect(() => parseResult(changed)).toThrow(expect.objectContaining({ code: 'RESULT_MALFORMED' }))
    }
    for (const length of [0, 10, 20, 60, file.length - 1])
      expect(() => parseResult(file.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'RESULT_MALFORMED' }),
      )
  })

  it(claim('T16', 'is refused by its receipt where a forger made its checksum right'), async () => {
    const { encodeResult } = await import('../../src/receipts/index.ts')
    const { request, response, receipt: whole } = parseResult(await kept())
    // What is forged here is no part of the bundle, which takes long to judge.
    const { trust: _trust, ...receipt } = whole
    const flip = (bytes: Uint8Array, at: number): Uint8Array =>
      bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))
    const forged = [
      ...Array.from(request.body, (_, at) => ({
        request: { ...request, body: flip(request.body, at) },
        response,
      })),
      ...Array.from(response.body, (_, at) => ({
        request,
        response: { ...response, body: flip(response.body, at) },
      })),
      { request: { ...request, path: '/v2/models/n/infer' }, response },
      { request: { ...request, method: 'PUT' }, response },
      { request: { ...request, contentType: 'application/json' }, response },
      { request, response: { ...response, status: 201 } },
      { request, response: { ...response, contentType: 'application/json' } },
    ]
    for (const { request: asking, response: answering } of forged) {
      const result = parseResult(encodeResult({ request: asking, response: answering, receipt }))
      const { ok, steps } = verifyReceipt(result.receipt, service.world.policy, {
        request: { ...result.request, body: [result.request.body] },
        response: { ...result.response, body: [result.response.body] },
      })
      expect([ok, steps.filter(({ status }) => status === 'fail').length]).toEqual([false, 1])
    }
  })

  it('is not made without a receipt', async () => {
    service.knobs.withoutReceipts = true
    service.knobs.app = () => answer([['f', 'FP32', [2], floats]])
    const result = await sotto.tensors.run('m', {})
    expect(result.receipt).toBeUndefined()
    expect(() => result.save()).toThrow(expect.objectContaining({ code: 'RECEIPT_MISSING' }))
  })
})
