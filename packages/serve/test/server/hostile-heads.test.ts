import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningServer, startServer } from '../../src/server/index.ts'

/** Whoever reaches the port writes the head of a request. Nothing in it may end the process or go unanswered. */
let server: RunningServer
beforeAll(async () => {
  server = await startServer(() => Promise.resolve(new Response('ok')), { host: '127.0.0.1', port: 0 })
})
afterAll(() => server.close())

/** Status of the answer to these bytes, one per character. */
function statusOf(head: string): Promise<number> {
  return new Promise((resolve) => {
    const socket = connect(server.port, '127.0.0.1')
    let answer = ''
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      answer += text
      socket.end()
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 0)))
    socket.write(head, 'latin1')
  })
}

const PLACES: readonly (readonly [name: string, head: (byte: string) => string])[] = [
  ['the value of a field', (byte) => `GET / HTTP/1.1\r\nHost: a\r\nX: a${byte}b\r\n\r\n`],
  ['the name of a field', (byte) => `GET / HTTP/1.1\r\nHost: a\r\nX${byte}b: 1\r\n\r\n`],
  ['the target', (byte) => `GET /a${byte}b HTTP/1.1\r\nHost: a\r\n\r\n`],
  ['the host', (byte) => `GET / HTTP/1.1\r\nHost: a${byte}b\r\n\r\n`],
]

describe('the head of a request', () => {
  it.each(PLACES)('is answered or refused for any byte in %s', async (_place, head) => {
    const bytes = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte))
    const statuses = await Promise.all(bytes.map((byte) => statusOf(head(byte))))
    expect(new Set(statuses)).toEqual(new Set([200, 400]))
    expect(await statusOf('GET / HTTP/1.1\r\nHost: a\r\n\r\n')).toBe(200)
  })

  it.each(['[:::]', 'a:b:c', ':', 'a:99999', '1.2.3.4.5', 'a/b', 'user@a'])(
    'is refused for the host %s, which no address has',
    async (host) => expect(await statusOf(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).toBe(400),
  )

  it.each(['TRACE / ', 'TRACK / ', 'GET http://b/ ', 'OPTIONS * '])(
    'is refused for %s, which no origin server of ours takes',
    async (line) => expect(await statusOf(`${line}HTTP/1.1\r\nHost: a\r\n\r\n`)).toBe(400),
  )
})
