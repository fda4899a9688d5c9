import { afterEach, expect, test } from 'vitest'
import type { RunningServer } from '@sotto/serve/server'
import { openRawClient, openRawServer, type RawConnection, type RawServer, startRelay } from './parties.ts'

let gateway: RawServer
let relay: RunningServer

afterEach(async () => {
  gateway.close()
  await relay.close()
})

const REQUEST_HEAD =
  'POST /relay/demo HTTP/1.1\r\nHost: r\r\nContent-Type: message/ohttp-chunked-req\r\nTransfer-Encoding: chunked\r\n\r\n'
const RESPONSE_HEAD =
  'HTTP/1.1 200 OK\r\nContent-Type: message/ohttp-chunked-res\r\nTransfer-Encoding: chunked\r\n\r\n'

async function open(
  limits: Parameters<typeof startRelay>[1] = {},
): Promise<{ client: RawConnection; upstream: RawConnection }> {
  gateway = await openRawServer()
  relay = await startRelay({ demo: gateway.origin }, limits)
  const client = openRawClient(relay.url)
  client.socket.write(REQUEST_HEAD)
  return { client, upstream: await gateway.next() }
}

test('each chunk goes on, both ways at once, before the next one exists', async () => {
  const { client, upstream } = await open()
  for (const word of ['one', 'two', 'six']) {
    client.socket.write(`3\r\n${word}\r\n`)
    await upstream.until(word)
  }
  upstream.socket.write(RESPONSE_HEAD)
  await client.until('\r\n\r\n')
  for (const word of ['uno', 'due', 'sei']) {
    upstream.socket.write(`3\r\n${word}\r\n`)
    await client.until(word)
    client.socket.write(`3\r\n${word}\r\n`)
    await upstream.until(word)
  }
  expect(upstream.received).not.toContain('0\r\n\r\n')
  expect(client.received).not.toContain('\r\n0\r\n\r\n')
})

test('a client that leaves mid-request never looks like a complete request', async () => {
  const { client, upstream } = await open()
  client.socket.write('3\r\none\r\n')
  await upstream.until('one')
  client.socket.end()
  await upstream.closed
  expect(upstream.received.endsWith('3\r\none\r\n')).toBe(true)
})

test('a client that leaves mid-response destroys the connection to the gateway', async () => {
  const { client, upstream } = await open()
  client.socket.write('0\r\n\r\n')
  upstream.socket.write(`${RESPONSE_HEAD}3\r\nuno\r\n`)
  await client.until('uno')
  client.socket.destroy()
  await upstream.closed
})

test('a client that leaves before the answer destroys the connection to the gateway', async () => {
  const { client, upstream } = await open()
  client.socket.write('3\r\none\r\n0\r\n\r\n')
  await upstream.until('0\r\n\r\n')
  client.socket.destroy()
  await upstream.closed
})

test.each([
  ['ends', (upstream: RawConnection) => upstream.socket.end()],
  ['resets', (upstream: RawConnection) => upstream.socket.resetAndDestroy()],
])('a gateway whose connection %s mid-response never looks like a complete answer', async (_, cut) => {
  const { client, upstream } = await open()
  client.socket.write('0\r\n\r\n')
  upstream.socket.write(`${RESPONSE_HEAD}3\r\nuno\r\n`)
  await client.until('uno')
  cut(upstream)
  await client.closed
  expect(client.received.endsWith('3\r\nuno\r\n')).toBe(true)
})

test('a gateway that is gone before it answers is one uniform error, tried once', async () => {
  const { client, upstream } = await open()
  client.socket.write('3\r\none\r\n0\r\n\r\n')
  await upstream.until('0\r\n\r\n')
  upstream.socket.destroy()
  await client.until('RELAY_GATEWAY_FAILED')
  expect(client.received).toMatch(/^HTTP\/1\.1 502 /)
  expect(gateway.connections).toHaveLength(1)
})

test('a slow gateway slows the client instead of filling the relay', async () => {
  const { client, upstream } = await open()
  upstream.socket.pause()
  const block = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(0x100000), Buffer.from('\r\n')])
  let accepted = 0
  await new Promise<void>((resolve) => {
    let stalled: NodeJS.Timeout | undefined
    const more = (): void => {
      clearTimeout(stalled)
      stalled = setTimeout(resolve, 300)
      if (accepted < 64) client.socket.write(block, () => more())
      accepted++
    }
    more()
  })
  // Kernel buffers of two loopback connections take a few MiB; 64 MiB would be the relay's memory.
  expect(accepted).toBeLessThan(40)
  client.socket.destroy()
})

test('a request of exactly the limit passes', async () => {
  const { client, upstream } = await open({ requestBytes: 1024 })
  client.socket.write(`400\r\n${'x'.repeat(1024)}\r\n0\r\n\r\n`)
  await upstream.until('x'.repeat(1024))
  upstream.socket.write(`${RESPONSE_HEAD}3\r\nuno\r\n0\r\n\r\n`)
  await client.until('uno')
})

test('one byte more is told to the client, who may still be sending, and cuts the request to the gateway', async () => {
  const { client, upstream } = await open({ requestBytes: 1024 })
  client.socket.write(`400\r\n${'x'.repeat(1024)}\r\n`)
  await upstream.until('x'.repeat(1024))
  client.socket.write('1\r\nx\r\n')
  await upstream.closed
  expect(upstream.received).not.toContain('0\r\n\r\n')
  await client.until('HTTP_BODY_TOO_LARGE')
  expect(client.received).toMatch(/^HTTP\/1\.1 413 /)
  expect(client.received).toContain('"action":"fix-input"')
  // What is still on its way is taken in: a reset would take the answer away.
  client.socket.write(`100000\r\n${'x'.repeat(0x100000)}\r\n0\r\n\r\n`)
  client.socket.write('GET /livez-or-not HTTP/1.1\r\nHost: r\r\n\r\n')
  await client.until('HTTP_NOT_FOUND')
})

test('a client that stops mid-request is cut, and so is the request to the gateway', async () => {
  const { client, upstream } = await open({ requestIdleMs: 50 })
  client.socket.write('3\r\none\r\n')
  await upstream.until('one')
  await upstream.closed
  expect(upstream.received).not.toContain('0\r\n\r\n')
  await client.until('RELAY_TOO_SLOW')
})

test('a gateway that never answers is given up', async () => {
  const { client, upstream } = await open({ responseIdleMs: 50 })
  client.socket.write('0\r\n\r\n')
  await upstream.closed
  await client.until('RELAY_TOO_SLOW')
})

test('a gateway that stalls mid-response is cut, not ended', async () => {
  const { client, upstream } = await open({ responseIdleMs: 50 })
  client.socket.write('0\r\n\r\n')
  upstream.socket.write(`${RESPONSE_HEAD}3\r\nuno\r\n`)
  await client.closed
  expect(client.received.endsWith('3\r\nuno\r\n')).toBe(true)
})

test('an exchange has an end whatever both sides do', async () => {
  const { client, upstream } = await open({ exchangeMs: 200 })
  const timers = [
    setInterval(() => client.socket.write('1\r\nx\r\n'), 20),
    setTimeout(() => upstream.socket.write(RESPONSE_HEAD), 20),
    setInterval(() => upstream.socket.write('1\r\ny\r\n'), 30),
  ]
  await Promise.all([client.closed, upstream.closed])
  for (const timer of timers) clearInterval(timer)
  expect(client.received).not.toContain('\r\n0\r\n\r\n')
})

test('a request past the limit is cut while it streams', async () => {
  const { client, upstream } = await open({ requestBytes: 1024 })
  client.socket.write(`400\r\n${'x'.repeat(0x400)}\r\n`)
  await upstream.until('400\r\n')
  client.socket.write('1\r\nx\r\n')
  await client.until('HTTP_BODY_TOO_LARGE')
  await upstream.closed
  expect(upstream.received).not.toContain('0\r\n\r\n')
})

test('a response past the limit is cut, not ended', async () => {
  const { client, upstream } = await open({ responseBytes: 1024 })
  client.socket.write('0\r\n\r\n')
  upstream.socket.write(`${RESPONSE_HEAD}400\r\n${'y'.repeat(0x400)}\r\n`)
  await client.until('y'.repeat(0x400))
  upstream.socket.write('1\r\ny\r\n')
  await client.closed
  expect(client.received).not.toContain('\r\n0\r\n\r\n')
})

test('places are given back after every kind of end', async () => {
  const { client, upstream } = await open({ exchanges: 1 })
  const refused = await fetch(`${relay.url}/relay/demo`, {
    method: 'POST',
    body: 'x',
    headers: { 'content-type': 'message/ohttp-req' },
  })
  expect([refused.status, await refused.json()]).toMatchObject([503, { error: { code: 'HTTP_BUSY' } }])
  client.socket.destroy()
  await upstream.closed
  const again = fetch(`${relay.url}/relay/demo`, {
    method: 'POST',
    body: 'x',
    headers: { 'content-type': 'message/ohttp-req' },
  })
  const connection = await gateway.next()
  await connection.until('0\r\n\r\n')
  connection.socket.end('HTTP/1.1 200 OK\r\nContent-Type: message/ohttp-res\r\nContent-Length: 2\r\n\r\nok')
  expect(await (await again).text()).toBe('ok')
})
