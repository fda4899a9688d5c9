import { expect, it } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { encodeFrame, OPCODE, type WebSocketConnection } from '../../src/websocket/index.ts'
import { serveError } from '../../src/errors/index.ts'
import { raw, start } from '../server/running.ts'

const LIMITS = { maxMessageBytes: 1000, pingMs: 60_000 }
const MASK = new Uint8Array([1, 2, 3, 4])
const HEAD =
  'GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: test\r\n\r\n'

type Serve = (connection: WebSocketConnection) => Promise<void>

async function listen(
  serve: Serve,
  limits: Partial<typeof LIMITS> = {},
  more = {},
): ReturnType<typeof start> {
  return start(() => new Response('over HTTP'), {
    webSockets: () => ({ protocol: 'test', limits: { ...LIMITS, ...limits }, serve }),
    ...more,
  })
}

/** A raw client whose handshake was answered. */
async function open(
  serve: Serve,
  limits: Partial<typeof LIMITS> = {},
): Promise<Awaited<ReturnType<typeof raw>>> {
  const client = await raw(await listen(serve, limits), HEAD)
  await until(() => client.received().includes('\r\n\r\n'))
  return client
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 2))
}

const said = (client: Awaited<ReturnType<typeof raw>>): Buffer =>
  Buffer.from(client.received().split('\r\n\r\n').slice(1).join('\r\n\r\n'), 'latin1')

const text = (value: string): Uint8Array =>
  encodeFrame({ isFinal: true, opcode: OPCODE.text, payload: utf8(value) }, MASK)

async function echo(connection: WebSocketConnection): Promise<void> {
  try {
    for (;;) {
      const message = await connection.receive()
      await connection.send(message.type === 'text' ? message.text : message.bytes)
    }
  } catch {
    await connection.close(1000)
  }
}

it('a client of the platform talks both ways and closes', async () => {
  const server = await listen(echo)
  const socket = new WebSocket(server.url.replace('http', 'ws'), ['other', 'test'])
  socket.binaryType = 'arraybuffer'
  const heard: unknown[] = []
  socket.addEventListener('message', ({ data }) => heard.push(data))
  await new Promise((resolve) => socket.addEventListener('open', resolve))
  expect([socket.protocol, socket.extensions]).toEqual(['test', ''])
  socket.send('grüße')
  socket.send(new Uint8Array(900).fill(5))
  await until(() => heard.length === 2)
  expect(heard).toEqual(['grüße', new Uint8Array(900).fill(5).buffer])
  const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener('close', resolve))
  socket.close(1000)
  expect(await closed).toMatchObject({ code: 1000, wasClean: true })
})

it('the handshake is answered as RFC 6455 Section 4.2.2 says', async () => {
  const client = await open(echo)
  expect(client.received()).toBe(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: test\r\n\r\n',
  )
})

it.each([
  [
    'another subprotocol',
    HEAD.replace('Protocol: test', 'Protocol: other'),
    'HTTP/1.1 400',
    'WEBSOCKET_INVALID',
  ],
  ['no key', HEAD.replace(/Sec-WebSocket-Key.*\r\n/, ''), 'HTTP/1.1 400', 'WEBSOCKET_INVALID'],
  ['POST', HEAD.replace('GET', 'POST'), 'HTTP/1.1 400', 'WEBSOCKET_INVALID'],
  ['bytes before the answer', `${HEAD}xyz`, 'HTTP/1.1 400', 'WEBSOCKET_INVALID'],
])('%s is refused over HTTP, and the connection ends', async (_, head, status, code) => {
  const client = await raw(await listen(echo), head)
  await client.closed
  expect(client.received().startsWith(status)).toBe(true)
  expect(client.received()).toContain(code)
})

it('what the route throws is answered like any refusal', async () => {
  const server = await start(() => new Response(), {
    webSockets: () => {
      throw serveError('HTTP_NOT_FOUND', 'no such socket')
    },
  })
  const client = await raw(server, HEAD)
  await client.closed
  expect(client.received()).toMatch(/^HTTP\/1\.1 404 [^]*HTTP_NOT_FOUND/)
})

it('another protocol than WebSocket is not taken up: HTTP answers', async () => {
  const server = await listen(echo)
  const client = await raw(server, 'GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n')
  await until(() => client.received().includes('over HTTP'))
  client.socket.destroy()
})

it('places are counted, refused when there is none, and given back', async () => {
  const server = await listen(echo, {}, { maxRequests: 1 })
  const first = await raw(server, HEAD)
  await until(() => first.received().includes('101'))
  const second = await raw(server, HEAD)
  await second.closed
  expect(second.received()).toMatch(/^HTTP\/1\.1 503 [^]*HTTP_BUSY/)
  first.socket.destroy()
  await first.closed
  for (;;) {
    const third = await raw(server, HEAD)
    await until(() => third.received().includes('\r\n\r\n'))
    if (third.received().startsWith('HTTP/1.1 101')) break
  }
})

it.each([
  ['a reserved bit', Uint8Array.of(0xc1, 0x80, 0, 0, 0, 0), 1002],
  ['no mask', Uint8Array.of(0x81, 0), 1002],
  [
    'a text that is not UTF-8',
    encodeFrame({ isFinal: true, opcode: 1, payload: Uint8Array.of(0xff) }, MASK),
    1002,
  ],
  [
    'a message past the limit',
    encodeFrame({ isFinal: true, opcode: 2, payload: new Uint8Array(1001) }, MASK),
    1009,
  ],
])('%s closes with its code, and whoever reads is told', async (_, bytes, code) => {
  const told = Promise.withResolvers<unknown>()
  const client = await open(async (connection) => {
    await connection.receive().catch(told.resolve)
    await connection.close(1000)
  })
  client.socket.write(bytes)
  expect(await told.promise).toMatchObject({
    code: code === 1009 ? 'HTTP_BODY_TOO_LARGE' : 'WEBSOCKET_INVALID',
  })
  await client.closed
  expect(said(client).subarray(0, 4)).toEqual(Buffer.from([0x88, 2, code >> 8, code & 0xff]))
})

it.each([
  ['ends its connection', (client: Awaited<ReturnType<typeof raw>>) => client.socket.end()],
  ['is cut', (client: Awaited<ReturnType<typeof raw>>) => client.socket.resetAndDestroy()],
  [
    'closes in good order',
    (client: Awaited<ReturnType<typeof raw>>) =>
      client.socket.write(encodeFrame({ isFinal: true, opcode: 8, payload: Uint8Array.of(3, 232) }, MASK)),
  ],
])('a client that %s is gone for whoever reads, after what it said', async (_, leave) => {
  const heard: unknown[] = []
  const told = Promise.withResolvers<unknown>()
  const client = await open(async (connection) => {
    try {
      for (;;) heard.push(await connection.receive())
    } catch (error) {
      told.resolve(error)
    }
  })
  client.socket.write(text('last words'))
  await until(() => heard.length === 1)
  leave(client)
  expect(await told.promise).toMatchObject({ code: 'HTTP_BODY_CUT' })
  expect(heard).toEqual([{ type: 'text', text: 'last words' }])
})

it('a ping is answered with what it carries', async () => {
  const client = await open(echo)
  client.socket.write(encodeFrame({ isFinal: true, opcode: OPCODE.ping, payload: utf8('Hello') }, MASK))
  await until(() => said(client).length >= 7)
  expect(said(client).toString('hex')).toBe('8a0548656c6c6f')
})

it('a client that answers no ping is cut', async () => {
  const client = await open(echo, { pingMs: 20 })
  await client.closed
  expect(said(client).toString('hex')).toBe('89008900')
})

it('while nobody reads, the client cannot send: nothing piles up', async () => {
  const release = Promise.withResolvers<void>()
  let bytes = 0
  const client = await open(
    async (connection) => {
      await release.promise
      for (;;) {
        const message = await connection.receive().catch(() => undefined)
        if (message?.type !== 'binary') return
        bytes += message.bytes.length
      }
    },
    { maxMessageBytes: 65_536 },
  )
  const frame = encodeFrame({ isFinal: true, opcode: 2, payload: new Uint8Array(65_536) }, MASK)
  let accepted = 0
  await new Promise<void>((resolve) => {
    let stalled: NodeJS.Timeout | undefined
    const more = (): void => {
      clearTimeout(stalled)
      stalled = setTimeout(resolve, 200)
      if (accepted >= 1024) return
      accepted++
      client.socket.write(frame, () => more())
    }
    more()
  })
  // What the kernel holds of a loopback connection is a few MiB; 64 MiB would be our memory.
  expect(accepted).toBeLessThan(300)
  release.resolve()
  await until(() => bytes >= accepted * 65_536)
})

it('a client that takes nothing is cut, and whoever sends is told', async () => {
  const told = Promise.withResolvers<unknown>()
  const server = await listen(
    async (connection) => {
      try {
        for (;;) await connection.send(new Uint8Array(65_536))
      } catch (error) {
        told.resolve(error)
      }
    },
    {},
    { writeStallMs: 50 },
  )
  const client = await raw(server, HEAD)
  client.socket.pause()
  expect(await told.promise).toMatchObject({ code: 'HTTP_BODY_CUT' })
  client.socket.destroy()
})

it('a server that stops cuts sockets that stay, and no sooner than others', async () => {
  const server = await listen(echo, {}, { drainMs: 100 })
  const client = await raw(server, HEAD)
  await until(() => client.received().includes('101'))
  const closing = server.close()
  client.socket.write(text('still here'))
  await until(() => said(client).length >= 12)
  await closing
  await client.closed
})
