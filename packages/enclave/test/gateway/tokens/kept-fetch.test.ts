import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { createKeptFetch } from '../../../src/gateway/tokens/index.ts'
import { createKmsClient } from '../../../src/release/kms-client.ts'

async function serve(listener: RequestListener) {
  const server = createServer(listener)
  let connections = 0
  server.on('connection', () => connections++)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => void server.close().closeAllConnections())
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, server, connections: () => connections }
}
const sign = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":"ä"}' }

it('asks and is answered as fetch does, over one connection', async () => {
  const seen: string[] = []
  const { url, connections } = await serve(async (request, response) => {
    let body = ''
    for await (const part of request) body += String(part)
    const { 'content-type': type, 'content-length': length, cookie } = request.headers
    seen.push([request.method, request.url, type, length, cookie, body].join(' '))
    response.setHeader('set-cookie', 'a=b').writeHead(418).end('{"ä":1}')
  })
  const fetch = createKeptFetch()
  for (let n = 0; n < 3; n++) {
    const response = await fetch(`${url}/v1/x?n=${n}`, n === 2 ? {} : sign)
    expect([response.status, await response.json()]).toEqual([418, { ä: 1 }])
  }
  expect(seen).toEqual([
    'POST /v1/x?n=0 application/json 10  {"a":"ä"}',
    'POST /v1/x?n=1 application/json 10  {"a":"ä"}',
    'GET /v1/x?n=2    ',
  ])
  expect(connections()).toBe(1)
})

it('goes on over another connection when the KMS has closed the one it kept', async () => {
  const { url, server, connections } = await serve((_, response) => response.end('{}'))
  const fetch = createKeptFetch()
  await fetch(url, sign)
  server.closeAllConnections()
  await new Promise((done) => setTimeout(done, 20))
  expect((await fetch(url, sign)).status).toBe(200)
  expect(connections()).toBe(2)
})

it.each<[string, RequestListener]>([
  ['a redirect', (_, response) => response.writeHead(307, { location: '/elsewhere' }).end()],
  ['an answer without an end', (_, response) => void response.end('x'.repeat(2 ** 21 + 2))],
  ['an answer that is cut', (_, response) => (response.write('{'), void response.socket!.destroy())],
  ['no answer', (request) => void request.socket.destroy()],
])('takes %s for no answer', async (_, listener) => {
  const { url } = await serve(listener)
  await expect(createKeptFetch()(url, sign)).rejects.toThrow()
  await expect(createKmsClient(url, createKeptFetch()).state()).rejects.toMatchObject({
    code: 'RELEASE_KMS_UNREACHABLE',
  })
})

it('waits no longer than it is told', async () => {
  const { url } = await serve(() => undefined)
  const signal = AbortSignal.timeout(20)
  await expect(createKeptFetch()(url, { ...sign, signal })).rejects.toThrow(/abort/)
})
