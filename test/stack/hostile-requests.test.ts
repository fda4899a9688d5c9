import { readFile, writeFile } from 'node:fs/promises'
import { connect as connectSocket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Sotto } from '@sotto/client'
import { utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { startEdge } from '../../packages/cli/src/stack/edge-roles.ts'
import { openState } from '../../packages/cli/src/stack/state.ts'
import { claim } from '../claims.ts'
import { stillServes } from './still-serves.ts'
import { clientOf, embed, startTestStack, type TestStack, urlOf } from './support.ts'

const CHUNKED = 'message/ohttp-chunked-req'

let stack: TestStack
let sotto: Sotto
beforeAll(async () => {
  stack = await startTestStack()
  sotto = await clientOf(stack)
})
afterAll(() => stack?.close())

/** The encapsulated message of a request, taken instead of sent. */
async function encapsulated(body: string): Promise<Buffer> {
  let taken: Buffer | undefined
  const taker = await clientOf(stack, {
    fetch: async (input, init) => {
      if (init?.method !== 'POST') return fetch(input, init)
      taken = Buffer.from(await new Response(init.body).arrayBuffer())
      throw new TypeError('taken')
    },
  })
  await embed(taker, body).catch(() => undefined)
  return taken!
}

const post = async (message: Uint8Array, type = CHUNKED): Promise<{ status: number; body: Buffer }> => {
  const response = await fetch(`${urlOf(stack, 'inference')}/ohttp`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: message as Uint8Array<ArrayBuffer>,
  })
  return { status: response.status, body: Buffer.from(await response.arrayBuffer()) }
}

/** Header and encapsulated key of an X-Wing message (RFC 9458 Section 4.3); then come the sealed chunks. */
const HEADER_BYTES = 7
const ENC_BYTES = 1120

/** The sealed chunks with their length prefixes, the final one (length 0) last. */
function chunksOf(message: Buffer): { prefix: Buffer; chunks: Buffer[] } {
  const chunks: Buffer[] = []
  for (let at = HEADER_BYTES + ENC_BYTES; at < message.length;) {
    const size = 1 << (message[at]! >> 6)
    const length = message.readUIntBE(at, size) & [0x3f, 0x3fff, 0x3fff_ffff][Math.log2(size)]!
    const end = length === 0 ? message.length : at + size + length
    chunks.push(message.subarray(at, end))
    at = end
  }
  return { prefix: message.subarray(0, HEADER_BYTES + ENC_BYTES), chunks }
}

describe('the gateway, spoken to directly', () => {
  it('answers an untouched message: what follows fails for its reason only', async () => {
    expect((await post(await encapsulated('hello'))).status).toBe(200)
  })

  it('gives one answer to every message that was tampered with, cut, replayed or reordered', async () => {
    const long = await encapsulated('a long text '.repeat(4000))
    const { prefix, chunks } = chunksOf(long)
    expect(chunks.length).toBeGreaterThanOrEqual(3)
    const message = await encapsulated('once')
    expect((await post(message)).status).toBe(200)
    const flipped = (bytes: Buffer, at: number): Buffer => {
      const copy = Buffer.from(bytes)
      copy[at]! ^= 1
      return copy
    }
    const fresh = await encapsulated('hello')
    const refused: [string, Uint8Array][] = [
      ['replayed', message],
      ['a flipped bit in the encapsulated key', flipped(fresh, HEADER_BYTES + 5)],
      ['a flipped bit in the ciphertext', flipped(fresh, HEADER_BYTES + ENC_BYTES + 40)],
      ['a flipped bit in the tag', flipped(fresh, fresh.length - 1)],
      ['cut in the key', fresh.subarray(0, 200)],
      ['cut in the ciphertext', fresh.subarray(0, fresh.length - 30)],
      ['without the final chunk', Buffer.concat([prefix, ...chunks.slice(0, -1)])],
      ['reordered', Buffer.concat([prefix, chunks[1]!, chunks[0]!, ...chunks.slice(2)])],
      ['with a chunk left out', Buffer.concat([prefix, chunks[0]!, ...chunks.slice(2)])],
      ['nothing but a header', fresh.subarray(0, HEADER_BYTES)],
      ['noise', crypto.randomBytes(3000)],
    ]
    const answers = new Set<string>()
    for (const [what, bytes] of refused) {
      const { status, body } = await post(bytes)
      expect([400, 422], what).toContain(status)
      const text = body.toString()
      expect(text, what).not.toMatch(/hello|long text|BHTTP|HPKE|tag|replay|stack/i)
      if (what !== 'noise')
        answers.add(`${status} ${(JSON.parse(text) as { error: { code: string } }).error.code}`)
    }
    expect([...answers].sort()).toEqual(['400 GATEWAY_REFUSED'])
    await stillServes(sotto)
  })

  it('names an unknown key id, and only that', async () => {
    const message = await encapsulated('hello')
    message[0]! ^= 0xff
    const { status, body } = await post(message)
    expect(status).toBe(422)
    expect(JSON.parse(body.toString())).toEqual({
      type: 'https://iana.org/assignments/http-problem-types#ohttp-key',
      title: 'key identifier unknown',
    })
  })

  it.each([
    '/v1/chat/completions',
    '/v1/audio/transcriptions',
    '/v1/embeddings',
    '/sotto/receipt-certificate',
    '/ohttp/v1/models',
  ])(claim('see.network', 'refuses %s in clear'), async (path) => {
    const response = await fetch(urlOf(stack, 'inference') + path, { method: 'POST', body: '{"input":"x"}' })
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ error: { code: 'HTTP_NOT_FOUND', action: 'fix-input' } })
  })

  it.each([
    ['gateway', 'inference', '/ohttp'],
    ['relay', 'relay', '/relay/inference'],
  ] as const)('refuses a body of 2 GB at the %s before it is sent', async (_name, role, path) => {
    const started = performance.now()
    const answer = await declareBody(urlOf(stack, role), path, 2 * 2 ** 30)
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
    expect(answer).toContain('HTTP_BODY_TOO_LARGE')
    expect(performance.now() - started).toBeLessThan(3000)
    await stillServes(sotto)
  })
})

describe('a slow sender', () => {
  it('is cut after the pause the relay allows, and nobody else waits for it', async () => {
    const state = await openState(stack.folder)
    const config = JSON.parse(await readFile(state.config('relay'), 'utf8')) as { listen: { port: number } }
    const impatient = { ...config, listen: { ...config.listen, port: 0 }, limits: { requestIdleMs: 300 } }
    const relay = await startEdge({ layout: stack.layout, state }, 'relay', impatient)
    await writeFile(state.config('relay'), JSON.stringify(config))
    try {
      const url = Object.values(relay.ready['urls'] as Record<string, string>)[0]!
      const started = performance.now()
      const begun = (await encapsulated('hello')).subarray(0, 100)
      const slow = declareBody(url, '/relay/inference', 5000, begun)
      await (await embed(await clientOf({ ...stack, relayUrl: url }), 'not slow')).text()
      expect(await slow).toMatch(/"code":"RELAY_TOO_SLOW","message":"[^"]+","action":"retry"/)
      expect(performance.now() - started).toBeGreaterThan(290)
    } finally {
      await relay.stop()
    }
  })
})

/** Declares a body, sends a little of it, and returns what comes back. */
function declareBody(
  origin: string,
  path: string,
  length: number,
  sent: Uint8Array = utf8('some bytes'),
): Promise<string> {
  const { port } = new URL(origin)
  return new Promise((resolve, reject) => {
    const socket = connectSocket(Number(port), '127.0.0.1')
    let answer = ''
    socket.setTimeout(5000, () => reject(new Error('no answer')))
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
      if (answer.includes('}}')) socket.destroy()
    })
    socket.once('close', () => resolve(answer))
    socket.once('error', () => resolve(answer))
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: ${CHUNKED}\r\ncontent-length: ${length}\r\n\r\n`,
    )
    socket.write(sent)
  })
}
