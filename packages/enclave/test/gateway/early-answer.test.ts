import { Agent } from 'node:http'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { concat } from '@sotto/protocol/bytes'
import { forward } from '../../src/app/forward.ts'
import { createByteBudget } from '../../src/ram/byte-budget.ts'
import { temporaryFolder } from '../app/real-app.ts'
import {
  handBody,
  openAnswer,
  openGateway,
  outerRequest,
  sealedChunks,
  type OpenedAnswer,
  type TestGateway,
} from './parties.ts'

/** Sends content piece by piece, each when `mayGoOn` says so, and opens the answer. */
async function upload(
  gateway: TestGateway,
  content: readonly Uint8Array[],
  mayGoOn: (sent: number) => Promise<unknown>,
): Promise<OpenedAnswer> {
  const { sealer, parts } = sealedChunks(gateway.key, { body: concat(...content) }, content[0]!.length)
  const body = handBody()
  const answer = (async () => openAnswer(await gateway.app(outerRequest(body.stream)), sealer))()
  for (const [index, part] of parts.entries()) {
    await mayGoOn(index)
    body.write(part)
  }
  body.end()
  return answer
}

/** Pieces that say where they stand. */
const piecesOf = (count: number, bytes: number): Uint8Array[] =>
  Array.from({ length: count }, (_, index) => new Uint8Array(bytes).fill(index + 1))
const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10))

/** Content in chunks (RFC 9112 Section 7.1), as far as it came; whether it had an end. */
function unchunk(bytes: Buffer): { content: Uint8Array; hasEnd: boolean } {
  const parts: Uint8Array[] = []
  for (let at = 0; ;) {
    const line = bytes.indexOf('\r\n', at)
    if (line < 0) return { content: concat(...parts), hasEnd: false }
    const size = Number.parseInt(bytes.subarray(at, line).toString(), 16)
    if (size === 0) return { content: concat(...parts), hasEnd: true }
    parts.push(bytes.subarray(line + 2, line + 2 + size))
    at = line + 2 + size + 2
  }
}

const isStartOf = (whole: readonly Uint8Array[], got: Uint8Array): boolean =>
  Buffer.from(concat(...whole).subarray(0, got.length)).equals(got)

describe('a request whose answer is over before it', () => {
  it('reaches an own app whole up to some place, and never with an end; its receipt covers all of it', async () => {
    const got: Buffer[] = []
    let isClosed = false
    const { promise: answered, resolve } = Promise.withResolvers<void>()
    const path = join(temporaryFolder(), 'app.sock')
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('close', () => (isClosed = true))
      socket.on('data', (piece) => {
        got.push(piece as Buffer)
        if (got.length > 1) return
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nenough')
        resolve()
      })
    })
    await new Promise<void>((listening) => server.listen(path, listening))
    const agent = new Agent({ keepAlive: true })
    agent.createConnection = () => connect({ path })
    onTestFinished(() => {
      agent.destroy()
      server.close()
    })
    const budget = createByteBudget(2 ** 23, () => new Error('full'))
    const gateway = openGateway((request) => forward(request, { agent, budget, idleMs: 2000 }))
    // More than a megabyte, which does not wait to be whole, and less than that behind it.
    const content = piecesOf(7, 2 ** 18)
    const answer = await upload(gateway, content, async (sent) => {
      if (sent > 5) await answered
      await tick()
    })
    expect([answer.status, answer.text]).toEqual([200, 'enough'])
    await expect.poll(() => isClosed).toBe(true)
    const all = Buffer.concat(got)
    const seen = unchunk(all.subarray(all.indexOf('\r\n\r\n') + 4))
    expect([isStartOf(content, seen.content), seen.hasEnd]).toEqual([true, false])
    expect(Object.values(agent.sockets).flat()).toHaveLength(0)
    expect(answer.trailers).toHaveLength(1)
  })

  it('has no hole for whoever goes on to read it', async () => {
    const got: Uint8Array[] = []
    const over = Promise.withResolvers<unknown>()
    const gateway = openGateway(async (request) => {
      const reader = request.body!.getReader()
      got.push((await reader.read()).value!)
      void (async () => {
        for (let next = await reader.read(); !next.done; next = await reader.read()) got.push(next.value)
        return 'end'
      })().then(over.resolve, () => over.resolve('error'))
      return new Response('enough')
    })
    const content = piecesOf(8, 2 ** 15)
    const answer = await upload(gateway, content, tick)
    expect([answer.status, answer.text, await over.promise]).toEqual([200, 'enough', 'error'])
    expect(isStartOf(content, concat(...got))).toBe(true)
    expect(answer.trailers).toHaveLength(1)
  })
})
