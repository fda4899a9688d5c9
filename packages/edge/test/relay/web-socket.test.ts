import { describe, expect, test } from 'vitest'
import { encodeFrame, OPCODE } from '@sotto/serve/websocket'
import { claim } from '../../../../test/claims.ts'
import { openRawClient, type RawConnection } from './parties.ts'
import { type Client, clientOf, listen, open, RESPONSE_HEAD, said, until } from './socket-parties.ts'

describe('one exchange over one WebSocket', () => {
  test('each piece goes on, both ways at once, before the next one exists', async () => {
    const { gateway, errors, socket, heard, closed } = await open()
    const upstreamOpen = gateway.next()
    socket.send(Buffer.from('one'))
    const upstream = await upstreamOpen
    await upstream.until('3\r\none\r\n')
    upstream.socket.write(`${RESPONSE_HEAD}3\r\nuno\r\n`)
    await until(() => said(heard) === 'uno')
    for (const [word, answer] of [
      ['two', 'due'],
      ['six', 'sei'],
    ] as const) {
      socket.send(Buffer.from(word))
      await upstream.until(word)
      upstream.socket.write(`3\r\n${answer}\r\n`)
      await until(() => said(heard).endsWith(answer))
    }
    expect(upstream.received).not.toContain('0\r\n\r\n')
    socket.send('end')
    await upstream.until('\r\n0\r\n\r\n')
    expect(said(heard)).toBe('unoduesei')
    upstream.socket.write('0\r\n\r\n')
    expect(await closed).toMatchObject({ code: 1000, wasClean: true })
    expect(said(heard)).toBe('unoduesei[end]')
    expect(errors).toEqual([])
  })

  test(claim('see.gateway', 'nothing of the handshake reaches the gateway'), async () => {
    const { gateway, relay } = await listen({}, { browserOrigins: ['*'] })
    const raw = openRawClient(relay.url)
    raw.socket.write(
      'GET /relay/demo HTTP/1.1\r\nHost: relay.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nOrigin: https://page.example\r\nCookie: who=me\r\nUser-Agent: me\r\nX-Forwarded-For: 203.0.113.9\r\nForwarded: for=203.0.113.9\r\nSec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sotto-ohttp\r\n\r\n',
    )
    await raw.until('\r\n\r\n')
    raw.socket.write(
      encodeFrame({ isFinal: true, opcode: OPCODE.binary, payload: Buffer.from('x') }, new Uint8Array(4)),
    )
    const upstream = await gateway.next()
    await upstream.until('1\r\nx\r\n')
    expect(upstream.received).toBe(
      `POST /ohttp HTTP/1.1\r\nHost: ${new URL(gateway.origin).host}\r\nContent-Type: message/ohttp-chunked-req\r\nTransfer-Encoding: chunked\r\nIncremental: ?1\r\n\r\n1\r\nx\r\n`,
    )
    expect(raw.received).not.toMatch(/set-cookie|date|server|extensions/i)
    raw.socket.destroy()
  })
})

describe('what is cut never ends like a whole', () => {
  test.each([
    ['closes in good order', ({ socket }: Client) => socket.close(1000)],
    ['sends text that is no message', ({ socket }: Client) => socket.send('END')],
    ['sends an empty piece', ({ socket }: Client) => socket.send(new Uint8Array(0))],
    ['says it read what was not sent', ({ socket }: Client) => socket.send('read 5')],
    ['sends a piece that is too large', ({ socket }: Client) => socket.send(new Uint8Array(65_537))],
  ])('a client that %s before the end', async (_, act) => {
    const one = await open()
    one.socket.send(Buffer.from('one'))
    const upstream = await one.gateway.next()
    await upstream.until('one')
    act(one)
    await upstream.closed
    expect(upstream.received.endsWith('3\r\none\r\n')).toBe(true)
    const { code } = await one.closed
    expect(said(one.heard)).not.toContain('[end]')
    expect([1000, 1009, 4400]).toContain(code)
  })

  test('a client that sends on after its end cuts the exchange', async () => {
    const one = await open()
    one.socket.send(Buffer.from('one'))
    one.socket.send('end')
    const upstream = await one.gateway.next()
    await upstream.until('0\r\n\r\n')
    upstream.socket.write(`${RESPONSE_HEAD}3\r\nuno\r\n`)
    await until(() => said(one.heard) === 'uno')
    one.socket.send(Buffer.from('more'))
    expect(await one.closed).toMatchObject({ code: 1002 })
    await upstream.closed
    expect(said(one.heard)).toBe('uno')
  })

  test.each([
    ['ends', (upstream: RawConnection) => upstream.socket.end()],
    ['resets', (upstream: RawConnection) => upstream.socket.resetAndDestroy()],
  ])('a gateway whose connection %s mid-answer', async (_, cut) => {
    const one = await open()
    one.socket.send(Buffer.from('one'))
    const upstream = await one.gateway.next()
    await upstream.until('one')
    upstream.socket.write(`${RESPONSE_HEAD}3\r\nuno\r\n`)
    await until(() => said(one.heard) === 'uno')
    cut(upstream)
    expect(await one.closed).toMatchObject({ code: 4502 })
    expect(said(one.heard)).toBe('uno')
  })

  test('a client that is gone after its end destroys the connection to the gateway', async () => {
    const one = await open()
    one.socket.send(Buffer.from('one'))
    one.socket.send('end')
    const upstream = await one.gateway.next()
    await upstream.until('0\r\n\r\n')
    one.socket.close()
    await upstream.closed
  })
})

describe('close codes stand for the statuses of a POST', () => {
  test.each([
    [422, 'Content-Type: application/problem+json', 4422, ''],
    [413, '', 4413, 'HTTP_BODY_TOO_LARGE'],
    [503, '', 4503, 'RELAY_GATEWAY_BUSY'],
    [400, '', 4400, 'RELAY_GATEWAY_REFUSED'],
    [200, 'Content-Type: text/html', 4502, 'RELAY_GATEWAY_FAILED'],
  ])('a gateway that answers %i %s', async (status, header, code, reason) => {
    const one = await open()
    one.socket.send(Buffer.from('one'))
    const upstream = await one.gateway.next()
    await upstream.until('one')
    upstream.socket.write(`HTTP/1.1 ${status} X\r\n${header || 'X: y'}\r\nContent-Length: 5\r\n\r\nwords`)
    expect(await one.closed).toMatchObject({ code, reason })
    expect(one.heard).toEqual([])
  })

  test('a request past the limit, a client that stops, a gateway that never answers', async () => {
    const large = await open({ requestBytes: 1024 })
    large.socket.send(new Uint8Array(1024))
    const upstream = await large.gateway.next()
    large.socket.send(new Uint8Array(1))
    expect(await large.closed).toMatchObject({ code: 4413, reason: 'HTTP_BODY_TOO_LARGE' })
    await upstream.closed
    const slow = await open({ requestIdleMs: 50 })
    slow.socket.send(Buffer.from('one'))
    expect(await slow.closed).toMatchObject({ code: 4504, reason: 'RELAY_TOO_SLOW' })
    const unanswered = await open({ responseIdleMs: 50 })
    unanswered.socket.send(Buffer.from('one'))
    unanswered.socket.send('end')
    expect(await unanswered.closed).toMatchObject({ code: 4504, reason: 'RELAY_TOO_SLOW' })
  })

  test('an exchange has an end, and its place is given back', async () => {
    const first = await open({ exchanges: 1, exchangeMs: 300 })
    first.socket.send(Buffer.from('one'))
    await first.gateway.next()
    const second = await clientOf(first)
    expect(await second.closed).toMatchObject({ code: 4503, reason: 'HTTP_BUSY' })
    expect(await first.closed).toMatchObject({ code: 4504 })
    const third = await clientOf(first)
    third.socket.send(Buffer.from('again'))
    await (await first.gateway.next()).until('again')
    third.socket.close()
  })
})

describe('who may open one', () => {
  const HEAD =
    ' HTTP/1.1\r\nHost: r\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sotto-ohttp\r\n'

  test.each([
    ['/relay/other', '', 404, 'RELAY_UNKNOWN_GATEWAY'],
    ['/relay/__proto__', '', 404, 'RELAY_UNKNOWN_GATEWAY'],
    ['/relay/demo/trust', '', 404, 'HTTP_NOT_FOUND'],
    ['/relay/demo?target=http://evil.example', '', 404, 'HTTP_NOT_FOUND'],
    ['/relay/demo', 'Origin: https://evil.example\r\n', 403, 'RELAY_ORIGIN'],
    ['/relay/demo', 'Origin: null\r\n', 403, 'RELAY_ORIGIN'],
    ['/relay/demo', 'Origin: https://page.example.evil.example\r\n', 403, 'RELAY_ORIGIN'],
    ['/relay/demo', 'Origin: https://page.example\r\nOrigin: https://evil.example\r\n', 403, 'RELAY_ORIGIN'],
  ])('%s with %j is refused, and no gateway is asked', async (path, header, status, code) => {
    const { gateway, relay } = await listen({}, { browserOrigins: ['https://page.example'] })
    const raw = openRawClient(relay.url)
    raw.socket.write(`GET ${path}${HEAD}${header}\r\n`)
    await raw.closed
    expect(raw.received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^]*${code}`))
    expect(gateway.connections).toEqual([])
  })

  test('pages of a listed origin, and programs, which name none', async () => {
    const { relay } = await listen({}, { browserOrigins: ['https://page.example'] })
    for (const header of ['', 'Origin: https://page.example\r\n']) {
      const raw = openRawClient(relay.url)
      raw.socket.write(`GET /relay/demo${HEAD}${header}\r\n`)
      await raw.until('101 Switching')
      raw.socket.destroy()
    }
  })
})
