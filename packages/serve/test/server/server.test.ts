import { createHash, randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { App } from '../../src/errors/index.ts'
import { readBody } from '../../src/limits/index.ts'
import { type RunningServer, type ServerOptions, startServer } from '../../src/server/index.ts'

const running: RunningServer[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()))
})

async function start(app: App, options: Partial<ServerOptions> = {}): Promise<RunningServer> {
  const server = await startServer(app, { host: '127.0.0.1', port: 0, drainMs: 200, ...options })
  running.push(server)
  return server
}

async function raw(
  server: RunningServer,
  text: string,
): Promise<{ socket: Socket; received: () => string; closed: Promise<void> }> {
  const socket = connect(server.port, '127.0.0.1')
  let received = ''
  socket.on('data', (chunk) => (received += chunk.toString('latin1')))
  socket.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  await new Promise((resolve) => socket.once('connect', resolve))
  socket.write(text)
  return { socket, received: () => received, closed }
}

test('answers with a length, and without Date or Server', async () => {
  const server = await start(
    async (request) => new Response((await readBody(request, 100)) as Uint8Array<ArrayBuffer>),
  )
  const response = await fetch(`${server.url}/`, { method: 'POST', body: 'hello' })
  expect(await response.text()).toBe('hello')
  expect(response.headers.get('content-length')).toBe('5')
  expect(response.headers.has('date')).toBe(false)
  expect(response.headers.has('server')).toBe(false)
})

test('a body without a declared length is bounded as well', async () => {
  const server = await start(async (request) => new Response(String((await readBody(request, 10)).length)))
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new Uint8Array(8))
      controller.enqueue(new Uint8Array(8))
      controller.close()
    },
  })
  const response = await fetch(server.url, { method: 'POST', body, duplex: 'half' } as RequestInit)
  expect(response.status).toBe(413)
})

test('each chunk leaves as soon as the app has it', async () => {
  const gate = Promise.withResolvers<void>()
  const server = await start(
    () =>
      new Response(
        new ReadableStream({
          async start(controller) {
            controller.enqueue(new TextEncoder().encode('first'))
            await gate.promise
            controller.enqueue(new TextEncoder().encode('second'))
            controller.close()
          },
        }),
      ),
  )
  const reader = (await fetch(server.url)).body!.getReader()
  expect(new TextDecoder().decode((await reader.read()).value)).toBe('first')
  gate.resolve()
  expect(new TextDecoder().decode((await reader.read()).value)).toBe('second')
  expect((await reader.read()).done).toBe(true)
})

test('headers leave before the first chunk exists', async () => {
  const gate = Promise.withResolvers<void>()
  const server = await start(
    () =>
      new Response(
        new ReadableStream({
          pull: async (c) => {
            await gate.promise
            c.close()
          },
        }),
      ),
  )
  const response = await fetch(server.url)
  expect(response.status).toBe(200)
  gate.resolve()
  expect(await response.text()).toBe('')
})

test('a large body comes through unchanged, both ways', async () => {
  const server = await start((request) => new Response(request.body))
  const sent = randomBytes(8 * 1024 * 1024)
  const response = await fetch(server.url, { method: 'POST', body: sent })
  const back = new Uint8Array(await response.arrayBuffer())
  expect(createHash('sha256').update(back).digest('hex')).toBe(
    createHash('sha256').update(sent).digest('hex'),
  )
})

test('the app is not read faster than the client reads', async () => {
  let produced = 0
  const server = await start(
    () =>
      new Response(
        new ReadableStream(
          {
            pull: (c) => {
              produced++
              c.enqueue(new Uint8Array(65536))
            },
          },
          { highWaterMark: 0 },
        ),
      ),
  )
  const { socket } = await raw(server, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  socket.pause()
  await expect.poll(() => produced, { timeout: 2000 }).toBeGreaterThan(1)
  let last = -1
  await expect
    .poll(
      () => {
        const same = produced === last
        last = produced
        return same
      },
      { interval: 200, timeout: 5000 },
    )
    .toBe(true)
  expect(produced).toBeLessThan(500)
  socket.destroy()
})

test('a body that fails is cut: no receiver can take the part for the whole', async () => {
  const server = await start(
    () =>
      new Response(
        new ReadableStream({
          async pull(controller) {
            controller.enqueue(new TextEncoder().encode('part'))
            await new Promise((resolve) => setTimeout(resolve, 20))
            controller.error(new Error('the prompt was: secret'))
          },
        }),
      ),
  )
  const { received, closed } = await raw(server, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  await closed
  expect(received()).toContain('part')
  expect(received()).not.toContain('secret')
  expect(received().endsWith('0\r\n\r\n')).toBe(false)
  await expect(fetch(server.url).then((response) => response.text())).rejects.toThrow()
})

test('the app learns that the client left', async () => {
  const cancelled = Promise.withResolvers<void>()
  const aborted = Promise.withResolvers<void>()
  const server = await start((request) => {
    request.signal.addEventListener('abort', () => aborted.resolve())
    return new Response(
      new ReadableStream({
        start: (c) => c.enqueue(new Uint8Array(1)),
        cancel: () => cancelled.resolve(),
      }),
    )
  })
  const { socket, received } = await raw(server, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  await expect.poll(received).toContain('200')
  socket.destroy()
  await Promise.all([cancelled.promise, aborted.promise])
})

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

test('closing lets a request in progress finish, then cuts it', async () => {
  const gate = Promise.withResolvers<void>()
  const server = await start(async (request) => {
    if (request.url.endsWith('/forever')) await new Promise(() => undefined)
    await gate.promise
    return new Response('done')
  })
  const good = fetch(`${server.url}/good`)
  const bad = fetch(`${server.url}/forever`)
  bad.catch(() => undefined)
  await new Promise((resolve) => setTimeout(resolve, 50))
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
