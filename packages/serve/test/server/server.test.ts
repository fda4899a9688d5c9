import { createHash, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { readBody } from '../../src/limits/index.ts'
import { raw, start } from './running.ts'

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
