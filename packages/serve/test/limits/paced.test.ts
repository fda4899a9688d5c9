import { describe, expect, it, vi } from 'vitest'
import { limitBytes, pacedBody, PART_PACE, readPaced } from '@sotto/serve/limits'

const PACE = { graceMs: 1000, minBytesPerSecond: 100 }

/** Chunks that come after so many milliseconds of a clock that only they move; `never` is the end of patience. */
function timed(chunks: readonly [ms: number, bytes: number][]) {
  let at = 0
  async function* body(): AsyncGenerator<Uint8Array> {
    for (const [ms, bytes] of chunks) {
      at += ms
      yield new Uint8Array(bytes)
    }
  }
  return { body: body(), now: () => at }
}

async function sizesOf(body: AsyncIterable<Uint8Array>): Promise<number[]> {
  const sizes: number[] = []
  for await (const part of body) sizes.push(part.length)
  return sizes
}
const stalled = (): ReadableStream<Uint8Array> =>
  new ReadableStream({ pull: () => new Promise(() => undefined) })

describe('a body at a pace', () => {
  it('is what it was, while it comes', async () => {
    const { body, now } = timed([
      [0, 10],
      [900, 500],
      [100, 0],
      [10, 7],
    ])
    expect(await sizesOf(pacedBody(body, PACE, now))).toEqual([10, 500, 0, 7])
  })

  it('ends with its grace where nothing comes', async () => {
    const paced = pacedBody(stalled(), { graceMs: 10, minBytesPerSecond: 1 })
    await expect(sizesOf(paced)).rejects.toMatchObject({ code: 'HTTP_BODY_CUT' })
  })

  it('has time for more than a timer can be set to, once much has come', async () => {
    async function* body(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(3_000_000)
      await new Promise((resolve) => setTimeout(resolve, 20))
      yield new Uint8Array(1)
    }
    expect(await sizesOf(pacedBody(body(), { graceMs: 1000, minBytesPerSecond: 1 }))).toEqual([3_000_000, 1])
  })

  it('a byte now and then buys no more than its time', async () => {
    let at = 0
    const parts = [1, 1, 1]
    const body: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          if (parts.length === 0) return stalled().getReader().read() as never
          at += 330
          return { done: false, value: new Uint8Array(parts.pop()!) }
        },
      }),
    }
    const seen: number[] = []
    const reading = (async () => {
      for await (const part of pacedBody(body, PACE, () => at)) seen.push(part.length)
    })()
    // 990 ms of the grace are spent by three bytes, which earned 30: the rest is 40 ms.
    const before = performance.now()
    await expect(reading).rejects.toMatchObject({ code: 'HTTP_BODY_CUT' })
    expect(seen).toEqual([1, 1, 1])
    expect(performance.now() - before).toBeLessThan(900)
  })

  it('what else fails is said as it is', async () => {
    const cut = new ReadableStream({ pull: (controller) => controller.error(new Error('gone')) })
    await expect(sizesOf(pacedBody(cut, PACE))).rejects.toMatchObject({ code: 'HTTP_BODY_CUT' })
    const large = limitBytes(new Blob([new Uint8Array(11)]).stream(), 10)
    await expect(sizesOf(pacedBody(large, PACE))).rejects.toMatchObject({ code: 'HTTP_BODY_TOO_LARGE' })
  })
})

describe('a whole body at a pace', () => {
  const post = (body: BodyInit | null, headers = {}): Request =>
    new Request('http://role.test', { method: 'POST', body, headers, duplex: 'half' } as RequestInit)

  it('is all of it, up to its bound, however its length is told', async () => {
    expect(await readPaced(post('four'), 4)).toEqual(new TextEncoder().encode('four'))
    expect(await readPaced(post(null), 4)).toEqual(new Uint8Array())
    await expect(readPaced(post('fives'), 4)).rejects.toMatchObject({ code: 'HTTP_BODY_TOO_LARGE' })
  })

  it('that says it is too large is not read', async () => {
    const body = stalled()
    const reading = readPaced(post(body, { 'content-length': '5' }), 4)
    await expect(reading).rejects.toMatchObject({ code: 'HTTP_BODY_TOO_LARGE' })
  })

  it('that does not come is cut with the grace', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    try {
      const reading = readPaced(post(stalled()), 4)
      const refused = expect(reading).rejects.toMatchObject({ code: 'HTTP_BODY_CUT' })
      await vi.advanceTimersByTimeAsync(PART_PACE.graceMs)
      await refused
    } finally {
      vi.useRealTimers()
    }
  })
})
