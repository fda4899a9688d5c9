import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connect } from '../src/index.ts'
import { createService, type FakeService } from './support/service.ts'
import { claim } from '../../../test/claims.ts'

interface Seen {
  method: string
  headers: [string, string][]
  firstPiece: number
  length: number
}

let server: Server
let service: FakeService
let seen: Seen[] = []
let url = ''

beforeEach(async () => {
  service = await createService()
  seen = []
  server = createServer(async (incoming, outgoing) => {
    const pieces: Buffer[] = []
    for await (const piece of incoming) pieces.push(piece as Buffer)
    const { method, rawHeaders } = incoming
    const headers = rawHeaders.flatMap((name, i): [string, string][] =>
      i % 2 === 0 ? [[name.toLowerCase(), rawHeaders[i + 1]!]] : [],
    )
    const body = Buffer.concat(pieces)
    seen.push({ method: method!, headers, firstPiece: pieces[0]?.length ?? 0, length: body.length })
    const init = method === 'POST' ? { method, body: new Uint8Array(body) } : {}
    const response = await service.fetch(`https://relay.example${incoming.url}`, init)
    outgoing.writeHead(response.status, [...response.headers].flat())
    outgoing.end(Buffer.from(await response.arrayBuffer()))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

describe('over real connections', () => {
  it(claim(['T17', 'see.relay'], 'every header a relay sees is the same for everybody'), async () => {
    const sotto = await connect(url, { policy: service.world.policy, now: service.now })
    const headers = {
      authorization: 'Bearer secret',
      cookie: 'a=b',
      'user-agent': 'me',
      'accept-language': 'de-CH',
    }
    const response = await sotto.fetch(`${sotto.baseURL}/embeddings`, { method: 'POST', body: '{}', headers })
    await response.text()
    const names = (call: Seen): Record<string, string> =>
      Object.fromEntries(call.headers.filter(([name]) => name !== 'host'))
    const common = {
      'accept-encoding': 'identity',
      'accept-language': '*',
      'cache-control': 'no-cache',
      connection: 'keep-alive',
      pragma: 'no-cache',
      'sec-fetch-mode': 'cors',
      'user-agent': 'sotto',
    }
    expect(names(seen[0]!)).toEqual({ ...common, accept: 'application/json' })
    expect(names(seen[1]!)).toEqual({
      ...common,
      accept: '*/*',
      'content-type': 'message/ohttp-chunked-req',
      'content-length': '2168',
      incremental: '?1',
    })
  })

  it('a long upload streams, and arrives whole', async () => {
    const sotto = await connect(url, { policy: service.world.policy, now: service.now })
    let pulled = 0
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (++pulled > 64) controller.close()
        else controller.enqueue(new Uint8Array(65_536).fill(pulled))
      },
    })
    const response = await sotto.fetch(`${sotto.baseURL}/audio/transcriptions`, { method: 'POST', body })
    expect(response.status).toBe(200)
    const upload = seen.find(({ headers }) => headers.some(([name]) => name === 'transfer-encoding'))!
    expect(upload.length).toBeGreaterThan(4 * 2 ** 20)
    expect(upload.firstPiece).toBeLessThan(2 ** 20)
    expect(service.innerCalls.find(({ path }) => path.endsWith('transcriptions'))!.body.length).toBe(
      4 * 2 ** 20,
    )
  })
})
