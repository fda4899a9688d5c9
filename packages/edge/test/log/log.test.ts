import { describe, expect, onTestFinished, test } from 'vitest'
import { concat, utf8 } from '@sotto/protocol/bytes'
import { canonicalJson } from '@sotto/protocol/jcs'
import { crypto } from '@sotto/protocol/crypto-backend'
import { signDsse } from '@sotto/protocol/dsse'
import {
  leafHash,
  proveConsistency,
  proveInclusion,
  type TileReader,
  verifyConsistency,
  verifyInclusion,
} from '@sotto/protocol/merkle'
import { tilePath } from '@sotto/protocol/tile-path'
import {
  checkpointText,
  type NoteSigner,
  parseNote,
  signNote,
  verifierKeyOf,
  verifyCheckpoint,
  type VerifiedCheckpoint,
} from '@sotto/protocol/note'
import type { App } from '@sotto/serve/errors'
import { appendEntries, EMPTY_FRONTIER, rootOf } from '../../src/log/frontier.ts'
import { openLog, type OpenLogOptions, type RunningLog } from '../../src/log/open-log.ts'
import type { LogStore } from '../../src/log/store.ts'
import { createWitnessClient } from '../../src/log/witness-client.ts'
import { edgeError } from '../../src/errors.ts'
import { createWitnessApp } from '../../src/witness/app.ts'
import { createWitness } from '../../src/witness/witness.ts'
import type { WitnessRecord } from '../../src/witness/store.ts'
import { createMemoryStore } from './memory-store.ts'

const ORIGIN = 'log.example/test'
const SIGNER: NoteSigner = { name: ORIGIN, secretSeed: crypto.sha256(utf8('log')) }
const LOG_KEY = verifierKeyOf(SIGNER, 'ed25519')
const TOKEN = 'a-token-of-at-least-thirty-two-characters'
const AUTHOR = crypto.ed25519.generate()

const envelope = (text: string): Uint8Array =>
  signDsse('application/test+json', canonicalJson({ text }), [
    { publicKey: AUTHOR.publicKey, secretSeed: AUTHOR.seed },
  ])

interface TestWitness {
  key: string
  app: App
  records: Map<string, WitnessRecord>
  now: number
  /** What happens instead of an answer. */
  outage?: (request: Request) => Promise<Response> | Response
}

function newWitness(name: string): TestWitness {
  const signer = { name, secretSeed: crypto.ed25519.generate().seed }
  const records = new Map<string, WitnessRecord>()
  const witness: TestWitness = {
    key: verifierKeyOf(signer, 'cosignature-v1'),
    records,
    now: 1_800_000_000,
    app: () => new Response(),
  }
  const store = {
    read: (o: string) => records.get(o),
    write: (o: string, r: WitnessRecord) => void records.set(o, r),
    isEmpty: () => records.size === 0,
    close() {},
  }
  const inner = createWitnessApp({
    addCheckpoint: createWitness({
      logs: [{ origin: ORIGIN, key: LOG_KEY }],
      signer,
      store,
      now: () => witness.now,
    }),
    verifierKey: witness.key,
  })
  witness.app = (request) => (witness.outage ?? inner)(request)
  return witness
}

function open(store: LogStore, witnesses: TestWitness[], change: Partial<OpenLogOptions> = {}): RunningLog {
  const log = openLog({
    origin: ORIGIN,
    signer: SIGNER,
    store,
    appendToken: TOKEN,
    witnesses: witnesses.map((witness) =>
      createWitnessClient({ url: 'http://witness', key: witness.key }, async (request) =>
        witness.app(request),
      ),
    ),
    quorum: 2,
    batchMs: 1,
    refreshMs: 60_000,
    retryMs: 5,
    appendWaitMs: 2000,
    witnessTimeoutMs: 300,
    ...change,
  })
  onTestFinished(() => log.publisher.stop())
  return log
}

const threeWitnesses = (): TestWitness[] => ['w1', 'w2', 'w3'].map((name) => newWitness(`${name}.example`))

async function append(
  log: RunningLog,
  entry: Uint8Array,
  token = TOKEN,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await log.app(
    new Request('http://log/log/entries', {
      method: 'POST',
      body: entry as Uint8Array<ArrayBuffer>,
      headers: { authorization: `Bearer ${token}` },
    }),
  )
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

async function checkpoint(
  log: RunningLog,
  witnesses: TestWitness[],
  quorum = 2,
): Promise<VerifiedCheckpoint> {
  const note = await (await log.app(new Request('http://log/log/checkpoint'))).text()
  return verifyCheckpoint(note, {
    origin: ORIGIN,
    logKey: LOG_KEY,
    witnessKeys: witnesses.map((witness) => witness.key),
    quorum,
  })
}

const tilesOf =
  (log: RunningLog): TileReader =>
  async (tile) => {
    const response = await log.app(new Request(`http://log/log/${tilePath(tile)}`))
    expect(response.status).toBe(200)
    return new Uint8Array(await response.arrayBuffer())
  }

test('an acknowledged entry is provably in a checkpoint that a quorum has cosigned', async () => {
  const witnesses = threeWitnesses()
  const log = open(createMemoryStore(), witnesses)
  await append(log, envelope('before'))
  const before = await checkpoint(log, witnesses)
  for (let i = 1; i < 6; i++) {
    const entry = envelope(`entry ${i}`)
    expect(await append(log, entry)).toEqual({ status: 200, body: { index: i } })
    const { size, root } = await checkpoint(log, witnesses)
    expect(size).toBeGreaterThan(i)
    verifyInclusion(leafHash(entry), i, size, await proveInclusion(i, size, tilesOf(log)), root)
    verifyConsistency(
      before.size,
      before.root,
      size,
      root,
      await proveConsistency(before.size, size, tilesOf(log)),
    )
  }
})

test('many entries at once share few checkpoints, and proofs across tiles hold', async () => {
  const witnesses = threeWitnesses()
  let published = 0
  const log = open(createMemoryStore(), witnesses, { onPublished: () => published++ })
  const entries = Array.from({ length: 600 }, (_, index) => envelope(`${index}`))
  const answers = await Promise.all(entries.map((entry) => append(log, entry)))
  expect(new Set(answers.map(({ body }) => body['index'])).size).toBe(600)
  expect(published).toBeLessThan(10)
  const { size, root } = await checkpoint(log, witnesses)
  for (const [position, entry] of entries.entries()) {
    if (position % 97 !== 0) continue
    const index = answers[position]!.body['index'] as number
    verifyInclusion(leafHash(entry), index, size, await proveInclusion(index, size, tilesOf(log)), root)
  }
})

test('the same bytes are one entry, whoever sends them when', async () => {
  const log = open(createMemoryStore(), threeWitnesses())
  const [a, b] = await Promise.all([append(log, envelope('x')), append(log, envelope('x'))])
  expect([a.body, b.body, (await append(log, envelope('x'))).body]).toEqual([
    { index: 0 },
    { index: 0 },
    { index: 0 },
  ])
})

test('entry bundles hold the entries with their lengths', async () => {
  const log = open(createMemoryStore(), threeWitnesses())
  const entries = [envelope('a'), envelope('b')]
  for (const entry of entries) await append(log, entry)
  const response = await log.app(new Request('http://log/log/tile/entries/000.p/2'))
  const expected = concat(
    ...entries.flatMap((entry) => [Uint8Array.of(entry.length >> 8, entry.length & 255), entry]),
  )
  expect(new Uint8Array(await response.arrayBuffer())).toEqual(expected)
  expect(response.headers.get('cache-control')).toContain('immutable')
})

describe('appending', () => {
  test.each([
    ['no token', undefined],
    ['a wrong token', `Bearer ${TOKEN.replace('a', 'b')}`],
    ['a longer token', `Bearer ${TOKEN}x`],
    ['the token without its scheme', TOKEN],
    ['another scheme', `Basic ${TOKEN}`],
  ])('with %s is refused before the body is read', async (_, authorization) => {
    const log = open(createMemoryStore(), threeWitnesses())
    const body = new ReadableStream(
      {
        pull() {
          throw new Error('the body was read')
        },
      },
      { highWaterMark: 0 },
    )
    const headers = authorization === undefined ? {} : { authorization }
    const request = new Request('http://log/log/entries', {
      method: 'POST',
      body,
      headers,
      duplex: 'half',
    } as RequestInit)
    const response = await log.app(request)
    expect([response.status, await response.json()]).toMatchObject([
      401,
      { error: { code: 'LOG_UNAUTHORIZED' } },
    ])
  })

  test.each([
    ['nothing', new Uint8Array()],
    ['text', utf8('hello')],
    ['an envelope with white space', concat(envelope('x'), utf8('\n'))],
  ])('%s is refused', async (_, bytes) => {
    const log = open(createMemoryStore(), threeWitnesses())
    expect(await append(log, bytes)).toMatchObject({
      status: 400,
      body: { error: { code: 'LOG_ENTRY_INVALID' } },
    })
  })

  test('an entry past the limit is refused', async () => {
    const log = open(createMemoryStore(), threeWitnesses())
    expect(await append(log, envelope('x'.repeat(50_000)))).toMatchObject({
      status: 413,
      body: { error: { code: 'HTTP_BODY_TOO_LARGE' } },
    })
  })

  test('a token that is too short to be secret is a configuration error', () => {
    expect(() => open(createMemoryStore(), threeWitnesses(), { appendToken: 'short' })).toThrow(
      expect.objectContaining({ code: 'LOG_UNAUTHORIZED' }),
    )
  })
})

describe('witnesses', () => {
  test('one of three may be down', async () => {
    const witnesses = threeWitnesses()
    witnesses[1]!.outage = () => new Response(null, { status: 503 })
    const log = open(createMemoryStore(), witnesses)
    expect((await append(log, envelope('x'))).status).toBe(200)
    expect((await checkpoint(log, witnesses)).witnessTimes.size).toBe(2)
  })

  test('one of three may hang', async () => {
    const witnesses = threeWitnesses()
    witnesses[1]!.outage = (request) =>
      new Promise((_, reject) => request.signal.addEventListener('abort', () => reject(new Error('aborted'))))
    const log = open(createMemoryStore(), witnesses)
    expect((await append(log, envelope('x'))).status).toBe(200)
  })

  test('without a quorum nothing is acknowledged or shown; with it, the entry has kept its place', async () => {
    const witnesses = threeWitnesses()
    const log = open(createMemoryStore(), witnesses, { appendWaitMs: 40 })
    await append(log, envelope('first'))
    for (const witness of witnesses.slice(1)) witness.outage = () => new Response('lies', { status: 200 })
    expect(await append(log, envelope('x'))).toMatchObject({
      status: 503,
      body: { error: { code: 'LOG_NOT_WITNESSED', action: 'retry' } },
    })
    expect((await checkpoint(log, witnesses)).size).toBe(1)
    expect((await log.app(new Request('http://log/log/tile/0/000.p/2'))).status).toBe(404)
    for (const witness of witnesses) delete witness.outage
    await log.publisher.waitFor(2, 2000)
    expect(await append(log, envelope('x'))).toEqual({ status: 200, body: { index: 1 } })
  })

  test('one that is behind or ahead of what the log remembers is asked again with the right size', async () => {
    const witnesses = threeWitnesses()
    const store = createMemoryStore()
    const first = open(store, witnesses)
    await append(first, envelope('a'))
    witnesses[2]!.outage = () => new Response(null, { status: 500 })
    await append(first, envelope('b'))
    first.publisher.stop()
    delete witnesses[2]!.outage
    const second = open(store, witnesses, { quorum: 3 })
    await append(second, envelope('c'))
    expect((await checkpoint(second, witnesses, 3)).size).toBe(3)
  })

  test('cosignatures are renewed without new entries', async () => {
    const witnesses = threeWitnesses()
    const log = open(createMemoryStore(), witnesses, { refreshMs: 10 })
    await append(log, envelope('a'))
    for (const witness of witnesses) witness.now += 500
    await expect.poll(async () => (await checkpoint(log, witnesses)).time).toBe(1_800_000_500)
  })

  test('a cosignature of another key, or of another text, does not count', async () => {
    const witnesses = threeWitnesses()
    const stranger = newWitness('w2.example')
    for (const witness of witnesses.slice(1)) witness.outage = (request) => stranger.app(request)
    const log = open(createMemoryStore(), witnesses, { appendWaitMs: 40 })
    expect((await append(log, envelope('x'))).body).toMatchObject({ error: { code: 'LOG_NOT_WITNESSED' } })
    expect(log.publisher.published).toBeUndefined()
  })
})

describe('a log never forks', () => {
  test('a store that was turned back is refused by any one witness: appends stop, reads go on', async () => {
    const witnesses = threeWitnesses()
    const log = open(createMemoryStore(), witnesses)
    await append(log, envelope('a'))
    await append(log, envelope('b'))
    log.publisher.stop()

    const old = createMemoryStore()
    const { frontier, hashes } = appendEntries(EMPTY_FRONTIER, [envelope('a')])
    old.append({ firstIndex: 0, entries: [envelope('a')], hashes, tree: { size: 1, root: rootOf(frontier) } })
    old.writePublished(signNote(checkpointText({ origin: ORIGIN, size: 1, root: rootOf(frontier) }), SIGNER))
    // Two witnesses have lost their memory too: the third is enough.
    for (const witness of witnesses.slice(1)) witness.records.clear()
    const errors: string[] = []
    const restarted = open(old, witnesses, { onError: (code) => errors.push(code) })
    expect(await append(restarted, envelope('c'))).toMatchObject({
      status: 500,
      body: { error: { code: 'LOG_FORKED', action: 'stop' } },
    })
    expect(await append(restarted, envelope('c'))).toMatchObject({ body: { error: { code: 'LOG_FORKED' } } })
    expect(errors).toContain('LOG_FORKED')
    expect(
      parseNote(await (await restarted.app(new Request('http://log/log/checkpoint'))).text()).text,
    ).toContain('\n1\n')
    expect((await restarted.app(new Request('http://log/log/tile/0/000.p/1'))).status).toBe(200)
  })

  test('another tree of the same size, or one with another past, is found out', async () => {
    for (const size of [1, 3]) {
      const witnesses = threeWitnesses()
      const log = open(createMemoryStore(), witnesses)
      await append(log, envelope('a'))
      log.publisher.stop()
      const forked = createMemoryStore()
      const entries = Array.from({ length: size }, (_, index) => envelope(`fork ${index}`))
      const { frontier, hashes } = appendEntries(EMPTY_FRONTIER, entries)
      forked.append({ firstIndex: 0, entries, hashes, tree: { size, root: rootOf(frontier) } })
      const restarted = open(forked, witnesses)
      await expect(restarted.publisher.waitFor(size, 1000)).rejects.toMatchObject({ code: 'LOG_FORKED' })
      restarted.publisher.stop()
    }
  })

  test('a stored tree that is not the published one is refused at start', () => {
    const store = createMemoryStore()
    const { frontier, hashes } = appendEntries(EMPTY_FRONTIER, [envelope('a')])
    store.append({
      firstIndex: 0,
      entries: [envelope('a')],
      hashes,
      tree: { size: 1, root: rootOf(frontier) },
    })
    store.writePublished(
      signNote(checkpointText({ origin: ORIGIN, size: 1, root: crypto.sha256(utf8('other')) }), SIGNER),
    )
    expect(() => open(store, threeWitnesses())).toThrow(
      expect.objectContaining({ code: 'LOG_FORKED', action: 'stop' }),
    )
  })

  test('a store of another log or another key is refused at start', () => {
    const store = createMemoryStore()
    store.writePublished(
      signNote(checkpointText({ origin: 'other.example', size: 0, root: crypto.sha256() }), SIGNER),
    )
    expect(() => open(store, threeWitnesses())).toThrow(expect.objectContaining({ code: 'STORE_CORRUPT' }))
    store.writePublished(
      signNote(checkpointText({ origin: ORIGIN, size: 0, root: crypto.sha256() }), {
        name: ORIGIN,
        secretSeed: crypto.sha256(utf8('other')),
      }),
    )
    expect(() => open(store, threeWitnesses())).toThrow(
      expect.objectContaining({ code: 'STORE_KEY_MISSING' }),
    )
  })
})

test('with a full disk appends say so, reads go on, and so does freshness', async () => {
  const witnesses = threeWitnesses()
  const inner = createMemoryStore()
  let isFull = false
  const refuse = (): void => {
    if (isFull) throw edgeError('LOG_STORE_FULL', 'the disk is full; nothing was stored')
  }
  const store: LogStore = {
    ...inner,
    append(record) {
      refuse()
      inner.append(record)
    },
    writePublished(note) {
      refuse()
      inner.writePublished(note)
    },
  }
  const log = open(store, witnesses, { refreshMs: 10 })
  await append(log, envelope('a'))
  isFull = true
  expect(await append(log, envelope('b'))).toMatchObject({
    status: 507,
    body: { error: { code: 'LOG_STORE_FULL', action: 'retry' } },
  })
  expect((await log.app(new Request('http://log/log/tile/0/000.p/1'))).status).toBe(200)
  for (const witness of witnesses) witness.now += 500
  await expect.poll(async () => (await checkpoint(log, witnesses)).time).toBe(1_800_000_500)
  isFull = false
  expect(await append(log, envelope('b'))).toEqual({ status: 200, body: { index: 1 } })
})
