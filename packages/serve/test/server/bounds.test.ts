import { expect, test } from 'vitest'
import { readBody } from '../../src/limits/index.ts'
import { raw, start } from './running.ts'

test('more requests than allowed get 503 at once', async () => {
  const gate = Promise.withResolvers<void>()
  const server = await start(
    async () => {
      await gate.promise
      return new Response('ok')
    },
    { maxRequests: 1 },
  )
  const first = fetch(server.url)
  await expect
    .poll(async () => {
      const r = await fetch(server.url, { signal: AbortSignal.timeout(300) }).catch(() => undefined)
      return r?.status
    })
    .toBe(503)
  gate.resolve()
  expect((await first).status).toBe(200)
})

test('headers that are too large or too slow are refused', async () => {
  const server = await start(() => new Response('ok'), { maxHeaderBytes: 1024, headersTimeoutMs: 300 })
  const large = await raw(server, `GET / HTTP/1.1\r\nhost: x\r\na: ${'b'.repeat(2000)}\r\n\r\n`)
  await large.closed
  expect(large.received()).toContain('431')
  const slow = await raw(server, 'GET / HTTP/1.1\r\nhos')
  await slow.closed
  expect(slow.received()).not.toContain('200')
})

test('a body that stops or dribbles is cut', async () => {
  const failed: string[] = []
  const server = await start(
    async (request) => new Response((await readBody(request, 1000)) as Uint8Array<ArrayBuffer>),
    {
      bodyIdleMs: 400,
      bodyGraceMs: 400,
      minBodyBytesPerSecond: 1000,
      onError: (code) => failed.push(code),
    },
  )
  const head = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n\r\n'
  const stopped = await raw(server, `${head}abc`)
  const dribbling = await raw(server, head)
  const timer = setInterval(() => dribbling.socket.write('x'), 50)
  await Promise.all([stopped.closed, dribbling.closed])
  clearInterval(timer)
  await expect.poll(() => failed).toEqual(['HTTP_BODY_CUT', 'HTTP_BODY_CUT'])
})

test('a client that takes nothing of the answer is cut', async () => {
  const cancelled = Promise.withResolvers<void>()
  const server = await start(
    () =>
      new Response(
        new ReadableStream({
          pull: (c) => c.enqueue(new Uint8Array(1 << 20)),
          cancel: () => cancelled.resolve(),
        }),
      ),
    { writeStallMs: 300 },
  )
  const { socket } = await raw(server, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  socket.pause()
  await cancelled.promise
})

test('nor does one hold its place that takes a little now and then', { timeout: 30_000 }, async () => {
  const cancelled = Promise.withResolvers<void>()
  let pieces = 0
  const server = await start(
    () =>
      new Response(
        new ReadableStream({
          pull: (c) => void (pieces++, c.enqueue(new Uint8Array(1 << 16))),
          cancel: () => cancelled.resolve(),
        }),
      ),
    { writeStallMs: 20_000, bodyGraceMs: 500, minBodyBytesPerSecond: 2 ** 30 },
  )
  const { socket } = await raw(server, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  socket.pause()
  const sipping = setInterval(() => socket.read(16_384), 20)
  await cancelled.promise
  clearInterval(sipping)
  socket.destroy()
  expect(pieces).toBeGreaterThan(1)
})

test.each([
  ['at once', ''],
  ['at once, but had to wait for another one', 'GET /slow HTTP/1.1\r\nhost: x\r\n\r\n'],
])('nor of an answer that was there %s', async (_, before) => {
  const size = 32 * 2 ** 20
  const server = await start(
    async ({ url }) => {
      if (!url.endsWith('/slow')) return new Response(new Uint8Array(size))
      await new Promise((resolve) => setTimeout(resolve, 50))
      return new Response()
    },
    { writeStallMs: 20_000, bodyGraceMs: 200, minBodyBytesPerSecond: 2 ** 30 },
  )
  const request = 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'
  const { socket, received, closed } = await raw(server, before + request)
  socket.pause()
  const sipping = setInterval(() => socket.read(16_384), 20)
  await new Promise((resolve) => setTimeout(resolve, 800))
  clearInterval(sipping)
  // What the system holds by then is still its; the rest is not sent any more.
  socket.resume()
  await closed
  expect(received()).toContain('200 OK')
  expect(received().length).toBeLessThan(size)
})

test('one that keeps the pace has all of it, however often it was waited for', async () => {
  const server = await start(
    () => {
      let left = 64
      return new Response(
        new ReadableStream({
          pull: (c) => (left-- > 0 ? c.enqueue(new Uint8Array(1 << 18)) : c.close()),
        }),
      )
    },
    { bodyGraceMs: 1000, minBodyBytesPerSecond: 1024 },
  )
  const { socket, received, closed } = await raw(
    server,
    'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
  )
  for (let i = 0; i < 20; i++) {
    socket.pause()
    await new Promise((resolve) => setTimeout(resolve, 20))
    socket.resume()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await closed
  expect(received().length).toBeGreaterThan(64 * 2 ** 18)
  expect(received().endsWith('0\r\n\r\n')).toBe(true)
})

test('closing lets a request in progress finish, then cuts it', async () => {
  const gate = Promise.withResolvers<void>()
  let arrived = 0
  const server = await start(async (request) => {
    arrived++
    if (request.url.endsWith('/forever')) await new Promise(() => undefined)
    await gate.promise
    return new Response('done')
  })
  const good = fetch(`${server.url}/good`)
  const bad = fetch(`${server.url}/forever`)
  bad.catch(() => undefined)
  await expect.poll(() => arrived).toBe(2)
  const closed = server.close()
  gate.resolve()
  expect(await (await good).text()).toBe('done')
  await closed
  await expect(bad).rejects.toThrow()
  await expect(fetch(server.url)).rejects.toThrow()
})

test.each([
  ['two lengths', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
  [
    'a length and chunks',
    'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['a bare CR in a header', 'GET / HTTP/1.1\r\nhost: x\r\na: b\rc: d\r\n\r\n'],
  ['a bad host', 'GET / HTTP/1.1\r\nhost: a b/c\r\n\r\n'],
  ['an absolute form with another scheme', 'GET gopher://x/ HTTP/1.1\r\nhost: x\r\n\r\n'],
])('refuses %s', async (_, text) => {
  let called = 0
  const server = await start(async (request) => {
    called++
    await request.text()
    return new Response('ok')
  })
  const { received, socket } = await raw(server, text)
  await expect.poll(received).toMatch(/^HTTP\/1\.1 400/)
  socket.destroy()
  expect(received()).not.toContain('200 OK')
  expect(called).toBe(0)
})

test.each([
  ['at once, in the middle of a read', 0, true],
  ['later, in the middle of a read', 50, true],
  ['later, between two reads', 50, false],
])(
  'a sender is heard out after an early answer, when the app stops reading %s',
  async (_, afterMs, isWaiting) => {
    const server = await start(async (request) => {
      if (request.method === 'GET') return new Response('next')
      const reader = request.body!.getReader()
      await reader.read()
      if (isWaiting) void reader.read().catch(() => {})
      const leave = (): void => void reader.cancel().catch(() => {})
      if (afterMs === 0) leave()
      else setTimeout(leave, afterMs)
      return new Response('enough', { status: 413 })
    })
    const size = 20_000_000
    const { socket, received } = await raw(
      server,
      `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${size}\r\n\r\nabc`,
    )
    await expect.poll(received).toMatch(/^HTTP\/1\.1 413 .*enough$/s)
    await new Promise((resolve) => setTimeout(resolve, 100))
    socket.write(new Uint8Array(size - 3))
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    await expect.poll(received).toMatch(/ 200 .*next$/s)
    socket.destroy()
  },
)

test.each([
  ['longer', 'abcdef'],
  ['shorter', 'ab'],
])('a body %s than declared is cut, never passed off as whole', async (_, text) => {
  const server = await start(() => new Response(text, { headers: { 'content-length': '4' } }))
  const { received, closed } = await raw(server, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  await closed
  expect(received()).not.toContain('abcdef')
  await expect(fetch(server.url).then((response) => response.text())).rejects.toThrow()
})
