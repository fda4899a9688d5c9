import { connect } from 'node:net'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { concat, utf8 } from '@sotto/protocol/bytes'
import { startServer } from '@sotto/serve/server'
import { openGateway, sealedChunks, type TestGateway } from './parties.ts'

/** A gateway on a real socket, and a client that sees the raw bytes. */
async function open(gateway: TestGateway): Promise<{ url: string; port: number }> {
  const server = await startServer(gateway.app, { host: '127.0.0.1', port: 0, drainMs: 0 })
  onTestFinished(() => server.close())
  return server
}

function outerHead(length: number | undefined): string {
  const framing = length === undefined ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`
  return `POST /ohttp HTTP/1.1\r\nHost: g\r\nContent-Type: message/ohttp-chunked-req\r\n${framing}\r\n\r\n`
}

test('neither status, type, headers nor words of an answer are among the bytes on the wire', async () => {
  const gateway = openGateway(
    async (request) =>
      new Response(`answer to ${await request.text()}`, {
        status: 418,
        headers: { 'content-type': 'text/markdown', 'x-model': 'whisper' },
      }),
  )
  const { port } = await open(gateway)
  const wire = concat(...sealedChunks(gateway.key, { path: '/v1/secret-path', body: 'secret words' }).parts)
  const socket = connect(port, '127.0.0.1')
  socket.end(concat(utf8(outerHead(wire.length)), wire))
  let received = ''
  socket.on('data', (chunk: Buffer) => void (received += chunk.toString('latin1')))
  await once(socket, 'close')
  expect(
    received
      .split('\r\n\r\n')[0]!
      .split('\r\n')
      .map((line) => line.split(':')[0]!.toLowerCase())
      .sort(),
  ).toEqual([
    'cache-control',
    'connection',
    'content-type',
    'http/1.1 200 ok',
    'incremental',
    'keep-alive',
    'transfer-encoding',
  ])
  expect(received).not.toMatch(/418|markdown|whisper|answer|secret|x-model|sotto-receipt/)
})

test('an answer that breaks ends without the end of the HTTP message', async () => {
  const gateway = openGateway(async () => {
    let count = 0
    const body = new ReadableStream<Uint8Array>({
      async pull(c) {
        await new Promise((resolve) => setTimeout(resolve, 5))
        if (count++ < 2) c.enqueue(utf8('data: x\n\n'))
        else c.error(new Error('engine died'))
      },
    })
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  })
  const { port } = await open(gateway)
  const wire = concat(...sealedChunks(gateway.key, { body: '' }).parts)
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(concat(utf8(outerHead(wire.length)), wire))
  let received = ''
  socket.on('data', (chunk: Buffer) => void (received += chunk.toString('latin1')))
  await once(socket, 'close')
  expect(received).toMatch(/^HTTP\/1\.1 200 /)
  expect(received.endsWith('0\r\n\r\n')).toBe(false)
})

test('a client that vanishes while the app thinks aborts the app', async () => {
  const started = Promise.withResolvers<AbortSignal>()
  const gateway = openGateway(async (request) => {
    started.resolve(request.signal)
    return new Response(new ReadableStream(), { headers: { 'content-type': 'text/event-stream' } })
  })
  const { port } = await open(gateway)
  const wire = concat(...sealedChunks(gateway.key, { body: '' }).parts)
  const socket = connect(port, '127.0.0.1')
  socket.write(concat(utf8(outerHead(wire.length)), wire))
  await once(socket, 'data')
  const signal = await started.promise
  socket.destroy()
  await expect.poll(() => signal.aborted).toBe(true)
})

test('a request whose connection ends within the body leaves nothing behind', async () => {
  const effects: string[] = []
  const gateway = openGateway(async (request) => (effects.push(await request.text()), new Response('done')), {
    limits: { exchanges: 1 },
  })
  const { port, url } = await open(gateway)
  const { parts } = sealedChunks(gateway.key, { body: 'x'.repeat(500) })
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(outerHead(undefined))
  for (const part of parts.slice(0, 4))
    socket.write(concat(utf8(`${part.length.toString(16)}\r\n`), part, utf8('\r\n')))
  await new Promise((resolve) => setTimeout(resolve, 20))
  socket.destroy()
  await expect
    .poll(async () => {
      const { parts: next } = sealedChunks(gateway.key, { body: 'next' })
      const headers = { 'content-type': 'message/ohttp-chunked-req' }
      return (
        await fetch(`${url}/ohttp`, {
          method: 'POST',
          headers,
          body: concat(...next) as Uint8Array<ArrayBuffer>,
        })
      ).status
    })
    .toBe(200)
  expect(effects).toEqual(['next'])
})
