import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { tensorFromNpy, tensorToNpy } from '@sotto/client/tensors'
import { concat, utf8 } from '@sotto/protocol/bytes'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDesk, type Desk } from '../support/desk.ts'

/** What receipts of the deployment in memory say answered. */
const MODEL = 'c3'.repeat(32)
const PORT = { name: 'x', datatype: 'FP32', shape: [-1, 2] }
const OUT = [PORT, { name: 'word', datatype: 'BYTES', shape: [1] }]

let desk: Desk
let bodies: { head: { inputs: unknown[]; outputs?: unknown[] }; data: Uint8Array }[]
beforeEach(async () => {
  bodies = []
  desk = await createDesk()
  desk.service.knobs.app = async (request) => {
    if (request.method === 'GET')
      return Response.json({ name: 'owner/m', versions: [MODEL], inputs: [PORT], outputs: OUT })
    const body = new Uint8Array(await request.arrayBuffer())
    const length = Number(request.headers.get('inference-header-content-length'))
    const head = JSON.parse(
      Buffer.from(body.subarray(0, length)).toString(),
    ) as (typeof bodies)[number]['head']
    bodies.push({ head, data: body.subarray(length) })
    const numbers = body.subarray(length)
    const word = Uint8Array.of(2, 0, 0, 0, 0x6f, 0x6b)
    const outputs = [
      {
        name: 'x',
        datatype: 'FP32',
        shape: [numbers.length / 8, 2],
        parameters: { binary_data_size: numbers.length },
      },
      { name: 'word', datatype: 'BYTES', shape: [1], parameters: { binary_data_size: word.length } },
    ]
    const json = utf8(JSON.stringify({ model_name: 'owner/m', model_version: MODEL, outputs }))
    return new Response(concat(json, numbers, word) as BodyInit, {
      headers: {
        'content-type': 'application/octet-stream',
        'inference-header-content-length': String(json.length),
      },
    })
  }
})
afterEach(() => desk.clear())

describe('sotto models run', () => {
  it('runs a model on JSON', async () => {
    const { code, stdout } = await desk.sotto([
      'models',
      'run',
      'owner/m',
      '--input',
      'x=[[0.5, 1], [2, 3]]',
      '-q',
    ])
    expect([code, stdout]).toEqual([0, 'x  FP32 [2, 2]  0.5, 1, 2, 3\nword  BYTES [1]  "ok"\n'])
    expect(bodies[0]!.head.inputs).toEqual([
      { name: 'x', datatype: 'FP32', shape: [2, 2], parameters: { binary_data_size: 16 } },
    ])
  })

  it('reads and writes NumPy files', async () => {
    const tensor = { datatype: 'FP32', shape: [1, 2], data: Float32Array.of(7, 8) } as const
    desk.write('in.npy', tensorToNpy(tensor))
    const { code } = await desk.sotto([
      'models',
      'run',
      'owner/m',
      '-i',
      'x=@in.npy',
      '--out',
      'answer',
      '-q',
    ])
    expect(code).toBe(0)
    expect(tensorFromNpy(readFileSync(join(desk.cwd, 'answer/x.npy')))).toEqual(tensor)
    expect(statSync(join(desk.cwd, 'answer/word.npy')).mode & 0o777).toBe(0o600)
  })

  it('prints all of it as JSON, with how it came about', async () => {
    const { stdout } = await desk.sotto(['models', 'run', 'owner/m', '-i', 'x=[[1,2]]', '--json', '-q'])
    expect(JSON.parse(stdout)).toMatchObject({
      model: 'owner/m',
      version: MODEL,
      outputs: [
        { name: 'x', datatype: 'FP32', shape: [1, 2], data: [1, 2] },
        { name: 'word', datatype: 'BYTES', shape: [1], data: ['ok'] },
      ],
      sotto: { verified: true, receipt: { version: 1 } },
    })
  })

  it.each([
    ['no such input', ['-i', 'z=[1]'], 'the model has no input "z"', 'x FP32 [-1, 2]'],
    ['an input twice', ['-i', 'x=[1]', '-i', 'x=[1]'], 'an input is given twice', ''],
    ['no value', ['-i', 'x'], 'not of the form NAME=VALUE', ''],
    ['no such file', ['-i', 'x=@none.npy'], 'cannot read none.npy', ''],
  ])('refuses %s and sends nothing', async (_, flags, error, expected) => {
    const { code, stderr } = await desk.sotto(['models', 'run', 'owner/m', ...flags, '-q'])
    expect([code === 0, bodies]).toEqual([false, []])
    expect(stderr).toContain(error)
    expect(stderr).toContain(expected)
  })

  it('says what the service says', async () => {
    desk.service.knobs.app = () =>
      Response.json({ error: 'no model of this name', code: 'model_not_found' }, { status: 404 })
    const { code, stderr } = await desk.sotto(['models', 'run', 'none', '-q'])
    expect(code).not.toBe(0)
    expect(stderr).toContain('the service answered: no model of this name')
  })
})

describe('a kept result', () => {
  const keep = (): Promise<unknown> =>
    desk.sotto(['models', 'run', 'owner/m', '-i', 'x=[[1,2]]', '--save', 'answer.sotto', '-q'])
  const offline = (argv: string[]): ReturnType<Desk['sotto']> =>
    desk.sotto(['receipt', 'verify', ...argv], { fetch: () => Promise.reject(new TypeError('no network')) })

  it('is verified offline, request and answer with it', async () => {
    await keep()
    expect(statSync(join(desk.cwd, 'answer.sotto')).mode & 0o777).toBe(0o600)
    const { code, stdout } = await offline(['answer.sotto'])
    expect(code).toBe(0)
    expect(stdout).toContain('the receipt holds')
    expect(stdout).toContain('POST /v2/models/owner%2Fm/infer\nx  FP32 [1, 2]  1, 2\nword  BYTES [1]  "ok"\n')
    expect(stdout).not.toContain('was not given')
  })

  it('is refused with a byte changed anywhere, or with other bytes to compare', async () => {
    await keep()
    const file = readFileSync(join(desk.cwd, 'answer.sotto'))
    for (const at of [0, 17, 30, Math.floor(file.length / 2), file.length - 60, file.length - 1]) {
      const changed = Buffer.from(file)
      changed[at]! ^= 1
      desk.write('changed.sotto', changed)
      const { code, stdout } = await offline(['changed.sotto'])
      expect([at, code === 0, stdout.includes('the receipt holds')]).toEqual([at, false, false])
    }
    desk.write('other', 'bytes')
    const { stderr } = await offline(['answer.sotto', '--response', 'other'])
    expect(stderr).toContain('a kept result holds its request and answer')
  })

  it('a receipt alone is verified as before', async () => {
    const { stdout } = await desk.sotto(['models', 'run', 'owner/m', '-i', 'x=[[1,2]]', '--json', '-q'])
    const { receipt } = (JSON.parse(stdout) as { sotto: { receipt: unknown } }).sotto
    desk.write('answer.receipt.json', JSON.stringify(receipt, null, 2))
    const verified = await offline(['answer.receipt.json'])
    expect([verified.code, verified.stdout.includes('the request was not given')]).toEqual([0, true])
  })
})
