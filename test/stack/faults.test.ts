import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { connect as connectSocket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Sotto } from '@sotto/client'
import { startProxy } from '@sotto/client/proxy'
import type { KmsState } from '@sotto/protocol/evidence'
import { toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { signDsse } from '@sotto/protocol/dsse'
import { launch } from '../../packages/cli/src/software-tee/launch.ts'
import { openMachine } from '../../packages/cli/src/software-tee/machine.ts'
import { startEdge } from '../../packages/cli/src/stack/edge-roles.ts'
import { appendToLog, callJson } from '../../packages/cli/src/stack/http.ts'
import { signKeyImport } from '../../packages/cli/src/stack/models.ts'
import { openSecret, openSigner, openState } from '../../packages/cli/src/stack/state.ts'
import { verifyKms } from '../../packages/cli/src/stack/verify-kms.ts'
import { claim } from '../claims.ts'
import {
  chat,
  childrenOf,
  clientOf,
  embed,
  isRunning,
  startTestStack,
  type TestStack,
  urlOf,
} from './support.ts'

const CHUNKED = 'message/ohttp-chunked-req'

let stack: TestStack
let sotto: Sotto
let folder: string
/** Stores on disks of their own, so small that they can be filled; absent where mounting is not permitted. */
let disks: string[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sotto-test-'))
  const stores = ['log', 'kms'].map((role) => join(folder, 'store', role))
  try {
    for (const store of stores) {
      mkdirSync(store, { recursive: true, mode: 0o700 })
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=0700', 'sotto-test', store], {
        stdio: 'pipe',
      })
      disks.push(store)
    }
  } catch {
    process.stderr.write('skipped: full disks need the right to mount a small tmpfs\n')
    for (const disk of disks.splice(0)) execFileSync('umount', [disk])
  }
  stack = await startTestStack({ stateFolder: folder })
  sotto = await clientOf(stack)
})
afterAll(async () => {
  await stack?.stop()
  for (const disk of disks) execFileSync('umount', [disk])
  rmSync(folder, { recursive: true, force: true })
})

const roleOf = (name: string): TestStack['roles'][number] =>
  stack.roles.findLast((role) => role.name === name)!

/** Starts a role of the stack again, as `sotto up` would, from the configuration it had. */
async function restart(name: 'relay' | 'kms' | 'inference'): Promise<void> {
  const state = await openState(folder)
  const token = await openSecret(state.key('append-token'))
  if (name === 'relay') {
    const config = JSON.parse(await readFile(state.config('relay'), 'utf8')) as object
    stack.roles.push(await startEdge({ layout: stack.layout, state }, 'relay', config))
    return
  }
  stack.roles.push(
    await launch({
      name,
      machine: await openMachine(state.machine),
      image: stack.layout.image(name),
      config: state.config(name),
      logFile: state.log(name),
      env: name === 'kms' ? { SOTTO_LOG_APPEND_TOKEN: token } : {},
    }),
  )
}

const stillServes = async (): Promise<void> => {
  const response = await embed(sotto, 'still there?')
  expect(response.status).toBe(200)
  await response.text()
}

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
    await stillServes()
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
    await stillServes()
  })
})

describe('a slow sender', () => {
  it('is cut after the pause the relay allows, and nobody else waits for it', async () => {
    const state = await openState(folder)
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

describe('a full disk', () => {
  const fill = (disk: string): (() => void) => {
    const filler = join(disk, 'filler')
    // Down to the last block: a store may still find room where a large write does not.
    for (let bytes = 2 ** 20; bytes >= 512;) {
      try {
        writeFileSync(filler, Buffer.alloc(bytes), { flag: 'a' })
      } catch {
        bytes = Math.floor(bytes / 2)
      }
    }
    return () => rmSync(filler)
  }
  const envelope = async (): Promise<Uint8Array> => {
    const { seed, publicKey } = await openSigner(join(folder, 'keys', 'owner'))
    // Large, so that no room left over from before takes it.
    const padding = toHex(crypto.randomBytes(20_000))
    return signDsse('application/vnd.sotto.test+json', utf8(`{"padding":"${padding}"}`), [
      { secretSeed: seed, publicKey },
    ])
  }

  it('of the log is said, and passes', async ({ skip }) => {
    if (disks.length === 0) skip('mounting is not permitted here')
    const token = await openSecret(join(folder, 'keys', 'append-token'))
    const empty = fill(disks[0]!)
    await expect(appendToLog(urlOf(stack, 'log'), token, await envelope())).rejects.toMatchObject({
      code: 'LOG_STORE_FULL',
      action: 'retry',
    })
    await stillServes()
    empty()
    expect(await appendToLog(urlOf(stack, 'log'), token, await envelope())).toBeGreaterThan(3)
  })

  it('of the KMS is said, and passes', async ({ skip }) => {
    if (disks.length === 0) skip('mounting is not permitted here')
    const [kms, log] = [urlOf(stack, 'kms'), urlOf(stack, 'log')]
    const owner = await openSigner(join(folder, 'keys', 'owner'))
    const service = await verifyKms(kms, log, stack.policy, Math.floor(Date.now() / 1000))
    const importOne = (): Promise<unknown> => {
      const id = toHex(crypto.randomBytes(16))
      const model = { id, name: 'x', file: 'x', bytes: 1, contentKey: crypto.randomBytes(32) }
      const body = signKeyImport(model, service, owner) as Uint8Array<ArrayBuffer>
      return callJson(`${kms}/v1/artifacts/${id}/key`, { method: 'POST', body })
    }
    await importOne()
    const empty = fill(disks[1]!)
    const failures: unknown[] = []
    // The write-ahead log has room of its own for a few records.
    for (let i = 0; i < 200 && failures.length === 0; i++)
      await importOne().catch((e: unknown) => failures.push(e))
    expect(failures[0]).toMatchObject({
      code: expect.stringMatching(/^KMS_STORE_(FULL|FAILED)$/),
      action: 'retry',
    })
    await stillServes()
    await clientOf(stack)
    empty()
    await vi.waitFor(importOne, { timeout: 5000, interval: 200 })
  })
})

describe('a killed part', { timeout: 60_000 }, () => {
  const engines = (): number[] => childrenOf(roleOf('inference').pid)
  const signalAll = (pids: number[], signal: NodeJS.Signals): void => {
    for (const pid of pids) process.kill(pid, signal)
  }

  it('relay, in the middle of a streamed answer: never taken for the end of it', async () => {
    const response = await chat(sotto, 'Tell me a long story', {
      stream: true,
      max_tokens: 1000,
      temperature: 1,
    })
    expect(response.status).toBe(200)
    const reader = response.body!.getReader()
    await reader.read()
    // Stopped, so that the answer cannot end before the relay does.
    const stopped = engines()
    signalAll(stopped, 'SIGSTOP')
    process.kill(roleOf('relay').pid, 'SIGKILL')
    await roleOf('relay').ended
    let text = ''
    const failure = await (async () => {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return undefined
        text += new TextDecoder().decode(value)
      }
    })().catch((error: unknown) => error)
    signalAll(stopped, 'SIGCONT')
    expect(failure).toMatchObject({ code: 'RESPONSE_TRUNCATED', action: 'retry' })
    expect(text).not.toContain('[DONE]')
    await expect(sotto.receiptOf(response)).rejects.toMatchObject({ code: 'RESPONSE_TRUNCATED' })
    await expect(embed(sotto, 'x')).rejects.toMatchObject({ code: 'RELAY_UNREACHABLE', action: 'retry' })
    await restart('relay')
    await stillServes()
  })

  it('engine, in the middle of a request: that request fails, the next one succeeds', async () => {
    const stopped = engines()
    signalAll(stopped, 'SIGSTOP')
    const pending = embed(sotto, 'in the middle')
    await new Promise((resolve) => setTimeout(resolve, 200))
    signalAll(stopped, 'SIGKILL')
    const response = await pending
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ error: { type: 'server_error', code: 'engine_crashed' } })
    await stillServes()
    const said = await chat(sotto, 'Who can read my words?')
    expect(said.status).toBe(200)
    await said.text()
    expect(engines().some((pid) => stopped.includes(pid))).toBe(false)
  })

  it('engine, in the middle of a streamed answer: an SDK is told why, and never that it was complete', async () => {
    let response!: Response
    const fetch: typeof sotto.fetch = async (...args) => (response = await sotto.fetch(...args))
    const proxy = await startProxy({ sotto: { fetch, trust: sotto.trust, receipts: [] }, port: 0 })
    const openai = { apiKey: 'unused', maxRetries: 0 }
    const clients = [
      new OpenAI({ ...openai, baseURL: `${proxy.url}/v1` }),
      new OpenAI({ ...openai, baseURL: sotto.baseURL, fetch }),
    ]
    try {
      for (const client of clients) {
        const stream = await client.chat.completions.create({
          model: 'sotto-tiny-story-en',
          messages: [{ role: 'user', content: 'Tell me a long story' }],
          stream: true,
          max_tokens: 1000,
          // Without chance it goes on until the context is full.
          temperature: 0,
        })
        const read = async (): Promise<void> => {
          let isFirst = true
          for await (const _ of stream) {
            if (isFirst) signalAll(engines(), 'SIGKILL')
            isFirst = false
          }
        }
        await expect(read()).rejects.toMatchObject({ code: 'engine_crashed', type: 'server_error' })
        await expect(sotto.receiptOf(response)).rejects.toMatchObject({ code: 'RESPONSE_TRUNCATED' })
        await stillServes()
      }
    } finally {
      await proxy.close()
    }
  })

  it('KMS, kill -9: comes back with its genesis and its keys; meanwhile the enclave serves', async () => {
    const before = await callJson<KmsState>(`${urlOf(stack, 'kms')}/v1/keys`)
    process.kill(roleOf('kms').pid, 'SIGKILL')
    await roleOf('kms').ended
    await stillServes()
    await clientOf(stack)
    await restart('kms')
    const after = await callJson<KmsState>(`${urlOf(stack, 'kms')}/v1/keys`)
    expect(after.genesis).toEqual(before.genesis)
    expect(keysOf(after)).toEqual(keysOf(before))
    await stillServes()
  })

  it('enclave, in the middle of a request: the client hears it, and a new one serves with the same keys', async () => {
    const stopped = engines()
    signalAll(stopped, 'SIGSTOP')
    const pending = embed(sotto, 'in the middle').then(
      () => undefined,
      (error: unknown) => error,
    )
    await new Promise((resolve) => setTimeout(resolve, 200))
    process.kill(roleOf('inference').pid, 'SIGKILL')
    expect(await pending).toMatchObject({
      code: expect.stringMatching(/^(RELAY_REFUSED|RESPONSE_TRUNCATED|RELAY_UNREACHABLE)$/),
      action: 'retry',
    })
    await vi.waitFor(() => expect(stopped.filter(isRunning)).toEqual([]), { timeout: 3000 })
    await restart('inference')
    await stillServes()
    await (await clientOf(stack)).fetch(`${sotto.baseURL}/models`)
  })
})

function keysOf({ keySet }: KmsState): unknown {
  const { payload } = JSON.parse(keySet.envelope) as { payload: string }
  return (JSON.parse(Buffer.from(payload, 'base64').toString()) as { keys: unknown }).keys
}
