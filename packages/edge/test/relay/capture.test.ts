import { afterEach, expect, test } from 'vitest'
import type { RunningServer } from '@sotto/serve/server'
import { openRawClient, openRawServer, type RawServer, startRelay } from './parties.ts'

let gateway: RawServer
let relay: RunningServer

afterEach(async () => {
  gateway.close()
  await relay.close()
})

const IDENTIFYING = [
  'User-Agent: Mozilla/5.0 (Therapist; rv:1)',
  'Authorization: Bearer secret-token',
  'Cookie: session=abc',
  'Via: 1.1 corporate-proxy',
  'Forwarded: for=192.0.2.60;proto=http;by=203.0.113.43',
  'X-Forwarded-For: 192.0.2.60',
  'X-Real-IP: 192.0.2.60',
  'X-Stainless-Lang: js',
  'X-Stainless-Runtime-Version: v24',
  'X-Request-Id: 7',
  'Accept-Language: de-CH',
  'Accept: application/json',
  'Accept-Encoding: gzip',
  'Origin: https://app.example',
  'Referer: https://app.example/patient/7',
  'Sec-Fetch-Site: cross-site',
  'Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  'Priority: u=1',
  'DNT: 1',
  'Date: Tue, 15 Nov 1994 08:12:31 GMT',
  'Expect: 100-continue',
  'Incremental: ?0',
]

test('the gateway receives the encapsulated bytes and four fixed headers, nothing that names the client', async () => {
  gateway = await openRawServer()
  relay = await startRelay({ demo: gateway.origin })
  const client = openRawClient(relay.url)
  const body = 'ENCAPSULATED\u0000\u00ff\r\n\r\nGET /evil HTTP/1.1\r\n'
  client.socket.write(
    Buffer.from(
      `POST /relay/demo?who=me HTTP/1.1\r\nHost: relay.example\r\nContent-Type: message/ohttp-chunked-req\r\n` +
        `${IDENTIFYING.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      'latin1',
    ),
  )
  const connection = await gateway.next()
  await connection.until('0\r\n\r\n')
  expect(connection.received).toBe(
    `POST /ohttp HTTP/1.1\r\nHost: ${new URL(gateway.origin).host}\r\nContent-Type: message/ohttp-chunked-req\r\n` +
      `Transfer-Encoding: chunked\r\nIncremental: ?1\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
  )
})

test('the client receives a status and three fixed headers, nothing the gateway adds', async () => {
  gateway = await openRawServer()
  relay = await startRelay({ demo: gateway.origin })
  const client = openRawClient(relay.url)
  client.socket.write(
    'POST /relay/demo HTTP/1.1\r\nHost: r\r\nContent-Type: message/ohttp-chunked-req\r\nContent-Length: 1\r\n\r\nx',
  )
  const connection = await gateway.next()
  await connection.until('0\r\n\r\n')
  connection.socket.write(
    'HTTP/1.1 200 Fine\r\nContent-Type: message/ohttp-chunked-res\r\nTransfer-Encoding: chunked\r\nServer: gw-7\r\nSet-Cookie: id=7\r\n' +
      'X-Inner-Status: 500\r\nDate: now\r\nETag: "7"\r\n\r\n3\r\nabc\r\n',
  )
  await client.until('abc')
  connection.socket.write('0\r\n\r\n')
  await client.until('0\r\n\r\n')
  const [head, rest] = client.received.split('\r\n\r\n')
  expect(head!.split('\r\n').sort()).toEqual([
    'Connection: keep-alive',
    'HTTP/1.1 200 OK',
    'Keep-Alive: timeout=5',
    'Transfer-Encoding: chunked',
    'cache-control: no-store',
    'content-type: message/ohttp-chunked-res',
    'incremental: ?1',
  ])
  expect(rest).toBe('3\r\nabc\r\n0')
})

test('an unchunked message is forwarded as such, without an Incremental header', async () => {
  gateway = await openRawServer()
  relay = await startRelay({ demo: gateway.origin })
  const client = openRawClient(relay.url)
  client.socket.write(
    'POST /relay/demo HTTP/1.1\r\nHost: r\r\nContent-Type: message/ohttp-req\r\nContent-Length: 3\r\n\r\nxyz',
  )
  const connection = await gateway.next()
  await connection.until('0\r\n\r\n')
  expect(connection.received).toBe(
    `POST /ohttp HTTP/1.1\r\nHost: ${new URL(gateway.origin).host}\r\nContent-Type: message/ohttp-req\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nxyz\r\n0\r\n\r\n`,
  )
})

test('documents are fetched without headers, and fetched once for many clients', async () => {
  gateway = await openRawServer()
  relay = await startRelay({ demo: gateway.origin })
  const first = fetch(`${relay.url}/relay/demo/trust`, { headers: { cookie: 'a=b' } })
  const connection = await gateway.next()
  await connection.until('\r\n\r\n')
  expect(connection.received).toBe(
    `GET /.well-known/sotto/trust HTTP/1.1\r\nHost: ${new URL(gateway.origin).host}\r\n\r\n`,
  )
  connection.socket.write(
    'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nSet-Cookie: id=7\r\nContent-Length: 2\r\n\r\n{}',
  )
  const response = await first
  expect([await response.text(), response.headers.get('set-cookie')]).toEqual(['{}', null])
  const second = await fetch(`${relay.url}/relay/demo/trust`)
  expect([second.headers.get('cache-control'), await second.text()]).toEqual(['public, max-age=15', '{}'])
  expect(gateway.connections).toHaveLength(1)
})
