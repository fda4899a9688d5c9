import { setTimeout as sleep } from 'node:timers/promises'
import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createBoardFiles } from '../../../src/room/index.ts'

// Pauses are over at once, and are remembered.
vi.mock('node:timers/promises', async (original) => ({
  ...(await original<object>()),
  setTimeout: vi.fn(async () => new Promise((resolve) => setImmediate(resolve))),
}))
const pauses = (): number[] => vi.mocked(sleep).mock.calls.map(([ms]) => ms!)
beforeEach(() => void vi.mocked(sleep).mockClear())

const ACCESS = { board: 'ab'.repeat(32), token: 'x'.repeat(43) }
const FILE = new Uint8Array(20 * 1024 * 1024).map((_, at) => at * 31)
const DIGEST = createHash('sha256').update(FILE).digest('hex')
const never = new AbortController().signal
const part = { start: 100, length: 50 }
const away = (): Promise<Response> => Promise.reject(new TypeError('fetch failed'))

/** A board that keeps one file, where nothing stands in its way. */
function board(inTheWay: (request: Request, asked: number) => Promise<Response | undefined> | undefined) {
  let asked = 0
  let kept: Uint8Array = new Uint8Array()
  async function answer(request: Request): Promise<Response> {
    if (request.method === 'GET')
      return new Response(FILE.slice(part.start, part.start + part.length), { status: 206 })
    if (request.method === 'PATCH') {
      const offset = Number(request.headers.get('upload-offset'))
      if (offset !== kept.length) return new Response(null, { status: 409 })
      kept = Buffer.concat([kept, new Uint8Array(await request.arrayBuffer())])
    }
    return Response.json({
      digest: DIGEST,
      bytes: FILE.length,
      offset: kept.length,
      complete: kept.length === FILE.length,
    })
  }
  const files = createBoardFiles('http://board.test', async (input, init) => {
    const request = new Request(input, init)
    return (await inTheWay(request, ++asked)) ?? answer(request)
  })
  return {
    files,
    keep: (bytes: Uint8Array) => (kept = Buffer.concat([kept, bytes])),
    kept: () => kept,
    asked: () => asked,
  }
}

describe('a board that is away while a run needs it', () => {
  it.each<[string, () => Promise<Response>]>([
    ['takes no connection', away],
    ['is behind something that says so', async () => new Response('Bad Gateway', { status: 502 })],
    ['is busy', async () => new Response(null, { status: 429 })],
    ['lost its disk', async () => new Response(null, { status: 507 })],
    [
      'goes away in the middle of its answer',
      async () => {
        const cut = new ReadableStream({ start: (controller) => controller.error(new Error('gone')) })
        return new Response(cut, { status: 206 })
      },
    ],
  ])('is asked until it is back: it %s', async (_, refuse) => {
    const { files, asked } = board((_request, count) => (count <= 40 ? refuse() : undefined))
    expect(await files.read(ACCESS, DIGEST, part, never)).toEqual(FILE.slice(100, 150))
    expect(asked()).toBe(41)
    // Each time after twice the time, up to half a minute.
    expect(pauses().slice(0, 3)).toEqual([250, 500, 1000])
    expect(pauses().at(-1)).toBe(30_000)
  })

  it('is asked no longer once the run has ended', async () => {
    const stop = new AbortController()
    const { files, asked } = board((_, count) => {
      if (count === 12) stop.abort(new Error('the run has ended'))
      return away()
    })
    await expect(files.read(ACCESS, DIGEST, part, stop.signal)).rejects.toThrow('the run has ended')
    await expect(files.write(ACCESS, DIGEST, FILE, stop.signal)).rejects.toThrow('the run has ended')
    expect(asked()).toBe(12)
  })

  it('gets each part of an output once, whatever becomes of its answers', async () => {
    const answers = new Map<string, number>()
    const one = board(async (request) => {
      if (request.method !== 'PATCH') return undefined
      const offset = request.headers.get('upload-offset')!
      const times = (answers.get(offset) ?? 0) + 1
      answers.set(offset, times)
      if (times > 6) return undefined
      // The sixth time it has half of the part, and nobody hears of it.
      const body = new Uint8Array(await request.arrayBuffer())
      if (times === 6) one.keep(body.subarray(0, body.length / 2))
      return away()
    })
    await one.files.write(ACCESS, DIGEST, FILE, never)
    expect(Buffer.from(one.kept()).equals(FILE)).toBe(true)
  })
})

describe('what a board says', () => {
  it.each<[string, () => Response]>([
    ['no such file', () => new Response(null, { status: 404 })],
    ['less than was asked for', () => new Response(new Uint8Array(49), { status: 206 })],
    ['more than was asked for', () => new Response(new Uint8Array(100_000), { status: 206 })],
    ['all of the file', () => new Response(FILE.slice(100, 150), { status: 200 })],
  ])('is its answer after a few attempts, so that no party holds a place by it: %s', async (_, say) => {
    const { files, asked } = board(async () => say())
    await expect(files.read(ACCESS, DIGEST, part, never)).rejects.toMatchObject({ code: 'ROOM_FILES' })
    expect(asked()).toBe(5)
  })

  it.each<[string, () => Response]>([
    ['its owner has no space left', () => new Response(null, { status: 403 })],
    ['another file', () => Response.json({ digest: 'cd'.repeat(32), bytes: 1, offset: 0, complete: false })],
    ['nothing of its kind', () => Response.json({})],
  ])('of an output is its answer after a few attempts: %s', async (_, say) => {
    const { files, asked } = board(async () => say())
    await expect(files.write(ACCESS, DIGEST, FILE, never)).rejects.toMatchObject({ code: 'ROOM_FILES' })
    expect(asked()).toBe(5)
  })

  it('of parts that lead nowhere ends the attempt', async () => {
    const { files, asked } = board(async () =>
      Response.json({ digest: DIGEST, bytes: FILE.length, offset: 7, complete: false }),
    )
    await expect(files.write(ACCESS, DIGEST, FILE, never)).rejects.toMatchObject({ code: 'ROOM_FILES' })
    expect(asked()).toBe(10)
  })
})
