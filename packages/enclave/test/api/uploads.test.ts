import { createHash, randomBytes } from 'node:crypto'
import { readlinkSync, readdirSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { fakeApi } from './support.ts'

const RUNS = process.env['SLOW'] ? 200 : 15
const MIB = 1024 * 1024
const URL = 'https://inference.sotto/v1/audio/transcriptions'

type Part = [name: string, value: string | Uint8Array]

/** A form with its parts in this order, in pieces of this size. */
function form(parts: readonly Part[], { piece = 65_536, type = '', end = true } = {}): Request {
  const bytes: Uint8Array[] = []
  for (const [name, value] of parts) {
    const file = typeof value === 'string' ? '' : '; filename="a.wav"'
    bytes.push(Buffer.from(`--B\r\ncontent-disposition: form-data; name="${name}"${file}\r\n\r\n`))
    bytes.push(Buffer.from(value), Buffer.from('\r\n'))
  }
  if (end) bytes.push(Buffer.from('--B--\r\n'))
  const whole = Buffer.concat(bytes)
  let at = 0
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (at < whole.length) controller.enqueue(whole.subarray(at, (at += piece)))
        else controller.close()
      },
    },
    { highWaterMark: 0 },
  )
  return post(body, type)
}

function post(body: ReadableStream<Uint8Array>, type = '', signal?: AbortSignal): Request {
  const headers = { 'content-type': `multipart/form-data${type}; boundary=B` }
  const init = { method: 'POST', headers, body, duplex: 'half', ...(signal && { signal }) }
  return new Request(URL, init as RequestInit)
}

/** A sender who writes the beginning of a large file and then waits. */
function stalled(bytes: number, signal?: AbortSignal) {
  let controller!: ReadableStreamDefaultController<Uint8Array>
  const state = { isCancelled: false }
  const body = new ReadableStream<Uint8Array>({
    start: (c) => void (controller = c),
    cancel: () => void (state.isCancelled = true),
  })
  controller.enqueue(Buffer.from('--B\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'))
  controller.enqueue(new Uint8Array(bytes))
  return { request: post(body, '', signal), state, fail: () => controller.error(new Error('cut')) }
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Descriptors of this process that are unnamed files in the RAM disk. */
const unnamed = (): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('/dev/shm/#')
    } catch {
      return false
    }
  }).length

describe('a file before the fields that say what to do with it', () => {
  it.each([
    [
      'last',
      (file: Uint8Array): Part[] => [
        ['file', file],
        ['response_format', 'text'],
        ['language', 'en'],
        ['model', 'listener'],
      ],
    ],
    [
      'around it',
      (file: Uint8Array): Part[] => [
        ['model', 'listener'],
        ['file', file],
        ['language', 'en'],
        ['response_format', 'text'],
      ],
    ],
    [
      'first',
      (file: Uint8Array): Part[] => [
        ['model', 'listener'],
        ['language', 'en'],
        ['response_format', 'text'],
        ['file', file],
      ],
    ],
  ])('of 13 MB is heard as it was sent, with the fields %s', async (_where, parts) => {
    const { api, asked, room } = fakeApi()
    const file = randomBytes(13_000_000)
    const response = await api(form(parts(file)))
    expect([response.status, await response.text()]).toEqual([200, 'one two three\n'])
    expect(asked.transcribe).toEqual([
      { bytes: file.length, sha256: sha256(file), params: { task: 'transcribe', language: 'en' } },
    ])
    expect(room.files).toBe(0)
  })

  it('is the same whatever its size and the pieces it comes in', async () => {
    const { api, asked, room } = fakeApi()
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: MIB - 100, max: MIB + 200_000 })),
        fc.integer({ min: 500, max: 300_000 }),
        async (size, piece) => {
          const file = randomBytes(size)
          const response = await api(
            form(
              [
                ['file', file],
                ['model', 'listener'],
              ],
              { piece },
            ),
          )
          expect(response.status).toBe(200)
          expect(asked.transcribe.at(-1)).toMatchObject({ bytes: size, sha256: sha256(file) })
        },
      ),
      { numRuns: RUNS },
    )
    expect(room.files).toBe(0)
  })

  it(claim('see.gateway', 'waits in a file without a name, in memory'), async () => {
    const { api, asked, room } = fakeApi()
    const before = unnamed()
    const { request, fail } = stalled(3 * MIB)
    const pending = api(request)
    await expect.poll(() => room.files).toBe(1)
    expect(unnamed() - before).toBe(1)
    expect(readdirSync('/dev/shm').filter((name) => name.startsWith('#'))).toEqual([])
    fail()
    expect((await pending).status).toBeGreaterThanOrEqual(400)
    expect([asked.transcribe, room.files, unnamed() - before]).toEqual([[], 0, 0])
  })
})

describe('what waits is freed', () => {
  const large = new Uint8Array(3 * MIB)

  it.each<[string, Part[], number]>([
    [
      'a model that does not exist',
      [
        ['file', large],
        ['model', 'nobody'],
      ],
      404,
    ],
    [
      'a field that is wrong',
      [
        ['file', large],
        ['model', 'listener'],
        ['temperature', '9'],
      ],
      400,
    ],
    [
      'an engine that dies',
      [
        ['file', large],
        ['model', 'listener'],
        ['prompt', 'crash'],
      ],
      503,
    ],
    [
      'an engine that dies, streamed',
      [
        ['file', large],
        ['prompt', 'crash'],
        ['stream', 'true'],
      ],
      503,
    ],
    [
      'a second file',
      [
        ['file', large],
        ['file', large],
        ['model', 'listener'],
      ],
      400,
    ],
  ])('after %s', async (_what, parts, status) => {
    const { api, room } = fakeApi()
    expect((await api(form(parts))).status).toBe(status)
    expect(room.files).toBe(0)
  })

  it('after a form that is cut, which is never transcribed', async () => {
    const { api, asked, room } = fakeApi()
    const response = await api(
      form(
        [
          ['model', 'listener'],
          ['file', large],
        ],
        { end: false },
      ),
    )
    expect([response.status, asked.transcribe, room.files]).toEqual([400, [], 0])
  })

  it('when the client leaves during the upload', async () => {
    const { api, room } = fakeApi()
    const { request, fail } = stalled(3 * MIB)
    const pending = api(request)
    await expect.poll(() => room.files).toBe(1)
    fail()
    await pending
    expect(room.files).toBe(0)
  })

  it('when the client leaves while the recording still waits for its engine', async () => {
    const leaves = new AbortController()
    const { api, room, hold } = fakeApi()
    hold(true)
    const parts: Part[] = [
      ['file', large],
      ['model', 'listener'],
    ]
    const pending = api(new Request(form(parts), { signal: leaves.signal }))
    await expect.poll(() => room.files).toBe(1)
    await expect.poll(() => hold(true)).toBe(1)
    leaves.abort()
    await expect.poll(() => room.files).toBe(0)
    hold(false)
    await pending
  })

  it('when the reader of a streamed transcript leaves in the middle', async () => {
    const { api, room } = fakeApi()
    const response = await api(
      form([
        ['file', large],
        ['model', 'listener'],
        ['stream', 'true'],
      ]),
    )
    const reader = response.body!.getReader()
    await reader.read()
    await reader.cancel()
    await expect.poll(() => room.files).toBe(0)
  })
})

describe('the room is bounded', () => {
  const parts = (bytes: number): Part[] => [
    ['file', new Uint8Array(bytes)],
    ['model', 'listener'],
  ]
  const codeOf = async (response: Response): Promise<unknown[]> => {
    const { error } = (await response.json()) as { error: { code: string; param: string } }
    return [response.status, response.headers.get('retry-after'), error.code, error.param]
  }

  it('in files: one more is refused, small ones are not, and a place is free again at once', async () => {
    const { api, room } = fakeApi(64 * MIB, { maxFiles: 1 })
    const first = stalled(2 * MIB)
    const pending = api(first.request)
    await expect.poll(() => room.files).toBe(1)
    expect(await codeOf(await api(form(parts(2 * MIB))))).toEqual([503, '1', 'api_busy', 'file'])
    expect((await api(form(parts(MIB / 2)))).status).toBe(200)
    first.fail()
    await pending
    expect((await api(form(parts(2 * MIB)))).status).toBe(200)
  })

  it('in bytes of all files together', async () => {
    const { api, room } = fakeApi(64 * MIB, { maxBytes: 4 * MIB })
    const first = stalled(3 * MIB)
    const pending = api(first.request)
    await expect.poll(() => room.files).toBe(1)
    expect(await codeOf(await api(form(parts(3 * MIB))))).toEqual([503, '1', 'api_busy', 'file'])
    first.fail()
    await pending
    expect((await api(form(parts(3 * MIB)))).status).toBe(200)
    expect(room.files).toBe(0)
  })

  it('and the sender who is refused is stopped', async () => {
    const { api } = fakeApi(64 * MIB, { maxFiles: 0 })
    const { request, state } = stalled(3 * MIB)
    expect((await api(request)).status).toBe(503)
    await expect.poll(() => state.isCancelled).toBe(true)
  })
})

describe('the largest recording', () => {
  const file = new Uint8Array(2 * MIB)

  it.each([
    [
      'after the fields',
      (bytes: Uint8Array): Part[] => [
        ['model', 'listener'],
        ['file', bytes],
      ],
    ],
    [
      'before the fields',
      (bytes: Uint8Array): Part[] => [
        ['file', bytes],
        ['model', 'listener'],
      ],
    ],
  ])('of exactly the limit passes and one byte more does not, %s', async (_where, parts) => {
    const { api, asked, room } = fakeApi(file.length)
    for (const type of ['', '; fields=first'].slice(0, parts(file)[0]![0] === 'model' ? 2 : 1)) {
      expect((await api(form(parts(file), { type }))).status).toBe(200)
      const response = await api(form(parts(new Uint8Array(file.length + 1)), { type }))
      expect([response.status, await response.json()]).toMatchObject([
        413,
        { error: { code: 'api_too_large', param: 'file', type: 'invalid_request_error' } },
      ])
      expect(response.headers.get('retry-after')).toBeNull()
    }
    expect(asked.transcribe.every(({ bytes }) => bytes === file.length)).toBe(true)
    expect(room.files).toBe(0)
  })
})

describe('a sender who says that the fields come first', () => {
  const type = '; fields=first'

  it('streams: the room stays empty', async () => {
    const { api, asked } = fakeApi(64 * MIB, { maxFiles: 0 })
    const file = randomBytes(20 * MIB)
    const response = await api(
      form(
        [
          ['model', 'listener'],
          ['file', file],
        ],
        { type },
      ),
    )
    expect(response.status).toBe(200)
    expect(asked.transcribe[0]).toMatchObject({ bytes: file.length, sha256: sha256(file) })
  })

  it('and then writes one after the file is told which', async () => {
    const { api, asked } = fakeApi()
    const parts: Part[] = [
      ['model', 'listener'],
      ['file', new Uint8Array(9 * MIB)],
      ['language', 'en'],
    ]
    const response = await api(form(parts, { type }))
    expect([response.status, await response.json()]).toMatchObject([400, { error: { param: 'language' } }])
    expect(asked.transcribe).toEqual([])
  })
})
