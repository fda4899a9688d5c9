import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import OpenAI, { toFile } from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { checkTrust, type Sotto } from '@sotto/client'
import { whatDisksHold } from '../../packages/cli/src/demo/disks.ts'
import { judge } from '../../packages/cli/src/demo/judge.ts'
import { createSearch, nothingFound, type Search } from '../../packages/cli/src/demo/search.ts'
import { readModels, secretsOf } from '../../packages/cli/src/demo/secrets.ts'
import { nameProcesses, whatWasSeen, type Seen } from '../../packages/cli/src/demo/seen.ts'
import { claim } from '../claims.ts'
import { httpMessages, sealedLengths } from './http-messages.ts'
import {
  chat,
  childrenOf,
  clientOf,
  demoRecording,
  embed,
  startTestStack,
  type TestStack,
} from './support.ts'

const PROMPT = 'My neighbour Ottilie Quennerstedt has lost her job at the mill'
const API_KEY = 'sk-secret-5c1f0d7a9b3e'
const AGENT = 'peculiar-program/7.4 (Ottilie)'

let stack: TestStack
let sotto: Sotto
/** The answers as they left the API, before the client unpacked them. */
let json: string
let frames: string[]
let weights: readonly Uint8Array[]
let search: Search
let recording: Buffer<ArrayBuffer>

let readyAt: number
beforeAll(async () => {
  stack = await startTestStack({ tap: true })
  readyAt = Date.now()
  sotto = await clientOf(stack)
  recording = await demoRecording(stack.layout)
  // A careless program: a key, an agent string, an organisation and a cookie on every request.
  const careless = new OpenAI({
    baseURL: sotto.baseURL,
    fetch: sotto.fetch,
    apiKey: API_KEY,
    organization: 'org-quennerstedt-4711',
    defaultHeaders: { 'user-agent': AGENT, cookie: 'session=c00c1e5e551on' },
    maxRetries: 0,
  })
  const file = await toFile(recording, 'quennerstedt.wav')
  const { text } = await careless.audio.transcriptions.create({ file, model: 'sotto-ctc-synthetic-en' })
  const said = await careless.chat.completions.create({
    model: 'sotto-tiny-story-en',
    messages: [{ role: 'user', content: PROMPT }],
    max_tokens: 40,
  })
  const wrong = await embed(sotto, PROMPT)
  await wrong.text()
  const missing = careless.chat.completions.create({
    model: 'quennerstedt-model',
    messages: [{ role: 'user', content: PROMPT }],
  })
  await expect(missing).rejects.toMatchObject({ status: 404 })
  json = await (await chat(sotto, PROMPT)).text()
  const streamed = await (await chat(sotto, PROMPT, { stream: true })).text()
  frames = streamed.split('\n\n').filter((frame) => frame.startsWith('data: '))
  const { models, ...rest } = await readModels(stack.layout.models)
  weights = rest.weights
  const secrets = secretsOf({
    requests: [PROMPT, recording],
    answers: [text, said.choices[0]!.message.content!],
    headers: [API_KEY, AGENT, 'session=c00c1e5e551on', 'org-quennerstedt-4711'],
    weights,
    models: [...models, 'quennerstedt-model'],
  })
  secrets.request.push(utf8('Quennerstedt'), utf8('quennerstedt'))
  secrets.client.push(utf8('stainless'))
  search = createSearch(secrets)
})
afterAll(() => stack?.close())

/** What each party got so far, from the captures of both ends of its connections. */
const seen = (): Record<string, Seen> => whatWasSeen(stack.taps, search, nameProcesses(stack.roles))

const pidOf = (name: string): number => stack.roles.find((role) => role.name === name)!.pid

describe('raw captures of the sockets', () => {
  it(claim(['see.relay', 'see.network'], 'of the relay hold ciphertext only'), () => {
    const { found, receivedBytes, to } = seen()['relay']!
    expect(receivedBytes).toBeGreaterThan(recording.length)
    expect(to).toEqual(['gateway'])
    expect(found).toEqual(nothingFound())
  })

  it(
    claim(
      ['see.gateway', 'see.network'],
      'of the gateway hold ciphertext only, answers of log and KMS included',
    ),
    () => {
      const { found, receivedBytes, to } = seen()['gateway']!
      expect(receivedBytes).toBeGreaterThan(recording.length)
      expect(to).toEqual(['kms', 'log'])
      expect(found).toEqual(nothingFound())
    },
  )

  it('keep every promise, and every process that took part is named', () => {
    const all = seen()
    expect(Object.keys(all).sort()).toEqual(['gateway', 'kms', 'log', 'registry', 'relay', 'witness'])
    expect(judge({ seen: all, disk: { found: nothingFound() }, sentBytes: recording.length })).toEqual([])
    expect(Object.fromEntries(Object.entries(all).map(([party, { from }]) => [party, from]))).toEqual({
      witness: ['log'],
      log: ['gateway', 'kms', 'owner'],
      kms: ['gateway', 'owner'],
      gateway: ['relay'],
      relay: ['client'],
      registry: [],
    })
  })

  it(claim('see.gateway', 'of the gateway have one peer: the relay, never the client'), () => {
    const peers = new Set(stack.taps.gateway!.captures.map(({ peerPid }) => peerPid))
    expect([...peers]).toEqual([pidOf('relay')])
    // Nor does the relay say whose request it passes on.
    for (const { received } of stack.taps.gateway!.captures) {
      for (const { headers } of httpMessages(Buffer.concat(received))) {
        const names = headers.map(([name]) => name).filter((name) => name !== 'connection')
        expect(['host', 'content-type', 'transfer-encoding', 'incremental']).toEqual(
          expect.arrayContaining(names),
        )
      }
    }
  })

  it(claim('see.kms', 'of the KMS hold nothing of a request, and no client reached it'), () => {
    expect(seen()['kms']!.found).toEqual(nothingFound())
    for (const { received } of stack.taps.kms!.captures) {
      for (const { start } of httpMessages(Buffer.concat(received)))
        expect(start).toMatch(
          /^(GET|POST) \/v1\/(keys|genesis|release|(proposals(\/[0-9a-f]{64})?)|ballots|artifacts\/[0-9a-f]{32}\/key) /,
        )
    }
    const peers = new Set(stack.taps.kms!.captures.map(({ peerPid }) => peerPid))
    // This process owns the models too: it is the one that imports their keys.
    expect([...peers].sort()).toEqual([process.pid, pidOf('inference')].sort())
  })

  it(
    claim('see.stores', 'of log and witness and every file of the stack hold nothing in clear'),
    async () => {
      expect(seen()['log']!.found).toEqual(nothingFound())
      expect(seen()['witness']!.found).toEqual(nothingFound())
      const { files, found } = await whatDisksHold(stack.folder, readyAt, search)
      expect(files).toBeGreaterThan(15)
      expect(found).toEqual(nothingFound())
    },
  )

  it('would show what is not encrypted: the search is not blind', async () => {
    const party = stack.taps.gateway!
    const before = party.captures.length
    await fetch(`http://127.0.0.1:${party.port}/v1/chat/completions`, { method: 'POST', body: PROMPT })
    const plain = party.captures.slice(before).flatMap(({ received }) => received)
    expect(search(Buffer.concat(plain))).toMatchObject({ request: true, inner: true })
    expect(seen()['gateway']!.found).toMatchObject({ request: true, inner: true })
    // What follows looks at these captures again.
    for (const capture of party.captures.slice(before)) capture.received.length = 0
  })

  it('would show any answer of this API: whole, and every single frame of a streamed one', () => {
    expect(frames.length).toBeGreaterThan(5)
    for (const frame of [json, ...frames]) expect(search(Buffer.from(frame)).answer, frame).toBe(true)
  })

  it('would show any 4 KiB of the weights that are served', () => {
    expect(weights.length).toBeGreaterThan(1)
    for (const file of weights)
      for (const at of [0, 0.31, 0.67].map((place) => Math.floor(file.length * place)))
        expect(search(Buffer.from(file.subarray(at, at + 4096))).weights).toBe(true)
  })

  it(
    claim('see.gateway', 'are not the only place: gateway and engines hold no file open for writing'),
    () => {
      const gateway = pidOf('inference')
      const processes = [gateway, ...childrenOf(gateway)]
      expect(processes.length).toBeGreaterThan(2)
      expect(processes.flatMap(writableFiles)).toEqual([])
    },
  )
})

/** Regular files on a disk that a process could write to; RAM-only files are not on a disk. */
function writableFiles(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`)
    .filter((fd) => {
      const flags = Number.parseInt(
        /flags:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))![1]!,
        8,
      )
      return (flags & 3) !== 0
    })
    .map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))
    .filter((target) => target.startsWith('/') && !/^\/(dev|memfd:|proc)/.test(target))
}

describe('what lengths tell', () => {
  /** Runs one exchange and returns what the relay received and sent for it. */
  const onTheWire = async (
    run: () => Promise<Response>,
  ): Promise<{ head: string; request: number; answer: Buffer }> => {
    const relay = stack.taps.relay!
    const sizes = relay.captures.map(({ received, sent }) => [total(received), total(sent)] as const)
    await (await run()).text()
    const fresh = relay.captures
      .map(({ received, sent }, i) => ({
        received: Buffer.concat(received).subarray(sizes[i]?.[0] ?? 0),
        sent: Buffer.concat(sent).subarray(sizes[i]?.[1] ?? 0),
      }))
      .filter(({ received }) => received.length > 0)
    // The first exchange also fetches the certificate its receipt is checked by.
    const requests = fresh.flatMap(({ received }) => httpMessages(received))
    const responses = fresh.flatMap(({ sent }) => httpMessages(sent))
    return {
      head: [requests[0]!.start, ...requests[0]!.headers.map((field) => field.join(': '))].join('\n'),
      request: requests[0]!.body.length,
      answer: responses[0]!.body,
    }
  }
  const total = (chunks: readonly Buffer[]): number => chunks.reduce((sum, { length }) => sum + length, 0)

  it(claim('T17', 'two short requests of different lengths, and their answers, have one size'), async () => {
    const one = await onTheWire(() => chat(sotto, 'yes', { max_tokens: 1 }))
    const other = await onTheWire(() =>
      chat(sotto, 'a considerably longer question '.repeat(12), { max_tokens: 20 }),
    )
    expect(other.request).toBe(one.request)
    expect(other.answer.length).toBe(one.answer.length)
    expect(one.request).toBeGreaterThan(1024)
    const long = await onTheWire(() => chat(sotto, 'a question of another bucket '.repeat(40)))
    expect(long.request).toBeGreaterThan(one.request)
  })

  it(claim('T17', 'every program sends the same outer header'), async () => {
    const plain = await onTheWire(() => embed(sotto, 'a'))
    const talkative = await onTheWire(() =>
      sotto.fetch(`${sotto.baseURL}/models`, {
        headers: {
          authorization: `Bearer ${API_KEY}`,
          'user-agent': AGENT,
          'x-stainless-os': 'Linux',
          cookie: 'a=b',
        },
      }),
    )
    expect(talkative.head).toBe(plain.head)
    expect(plain.head).not.toMatch(/node|undici|authorization|cookie/i)
  })

  it(claim('T17', 'a streamed answer leaves in buckets, whatever its words'), async () => {
    for (const prompt of ['Who can read my words?', 'Tell me a story about a dog']) {
      const { answer } = await onTheWire(() => chat(sotto, prompt, { stream: true }))
      const lengths = sealedLengths(answer)
      expect(lengths.length).toBeGreaterThan(2)
      // A flush is a multiple of 512 bytes with its two-byte length; before the first goes the header.
      const [, ...flushes] = lengths
      const end = flushes.pop()!
      for (const length of flushes) expect((length - 2) % 512).toBe(0)
      expect(end % 512).toBe(0)
    }
  })
})

describe('the trust bundle', () => {
  it(claim('T6', 'is the same bytes for two clients and for who asks the gateway'), async () => {
    const seen: Buffer[] = []
    const recordingFetch: typeof fetch = async (input, init) => {
      const response = await fetch(input, init)
      seen.push(Buffer.from(await response.clone().arrayBuffer()))
      return response
    }
    await clientOf(stack, { fetch: recordingFetch })
    await clientOf(stack, { fetch: recordingFetch })
    const gateway = await fetch(`http://127.0.0.1:${stack.taps.gateway!.port}/.well-known/sotto/trust`)
    seen.push(Buffer.from(await gateway.arrayBuffer()))
    expect(seen).toHaveLength(3)
    expect(seen[0]!.length).toBeGreaterThan(1000)
    expect(seen[1]!.equals(seen[0]!)).toBe(true)
    expect(seen[2]!.equals(seen[0]!)).toBe(true)
  })

  it(claim('T6', 'is made for the nonce of an auditor, and stays what it was for everybody'), async () => {
    const read = async (): Promise<string> => (await fetch(`${stack.relayUrl}/relay/inference/trust`)).text()
    const before = await read()
    const nonce = Buffer.alloc(32, 7).toString('base64url')
    const { ok, steps } = await checkTrust(stack.relayUrl, { policy: stack.policy, nonce })
    const step = steps.find(({ name }) => name === 'kms.nonce')
    expect([ok, step]).toMatchObject([true, { status: 'pass', found: nonce }])
    const after = await read()
    expect([before, after].filter((text) => text.includes('"nonce"'))).toEqual([])
    expect(JSON.parse(after)).toMatchObject({ kms: (JSON.parse(before) as { kms: object }).kms })
  })
})
