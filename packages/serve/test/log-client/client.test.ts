import { utf8 } from '@sotto/protocol/bytes'
import { checkpointText, cosign, signNote } from '@sotto/protocol/note'
import { expect, test } from 'vitest'
import { createLogClient, type LogClient, type LogClientOptions } from '../../src/log-client/index.ts'
import { FakeLog } from './fake-log.ts'

function clientOf(log: FakeLog, options: Partial<LogClientOptions> = {}): LogClient {
  return createLogClient({
    url: 'http://log.test/',
    origin: log.origin,
    key: log.key,
    witnesses: { keys: log.witnessKeys, quorum: 2 },
    appendToken: log.token,
    fetch: log.fetch,
    timeoutMs: 1000,
    ...options,
  })
}

function fill(log: FakeLog, count: number): void {
  for (let n = log.entries.length; n < count; n++) log.entries.push(utf8(`entry ${n}`))
}

test('an appended entry comes with a proof that a witnessed checkpoint contains it', async () => {
  const log = new FakeLog()
  const client = clientOf(log)
  const first = await client.append(utf8('one'))
  expect(first).toMatchObject({ index: 0, checkpoint: { size: 1, origin: log.origin } })
  expect(await client.append(utf8('two'))).toMatchObject({ index: 1 })
  expect(await client.append(utf8('one'))).toMatchObject({ index: 0, checkpoint: { size: 2 } })
  expect(client.lastSeen).toMatchObject({ size: 2 })
})

test('proofs work across tile borders and partial tiles', async () => {
  const log = new FakeLog()
  const client = clientOf(log)
  let older
  for (const size of [1, 2, 3, 255, 256, 257, 513, 700]) {
    fill(log, size)
    const checkpoint = await client.latest()
    expect(checkpoint.size).toBe(size)
    for (const index of [0, Math.floor(size / 2), size - 1]) {
      await client.proveInclusion(log.entries[index]!, index, checkpoint)
    }
    if (older !== undefined) await client.proveConsistency(older, checkpoint)
    older = checkpoint
  }
})

test('a full tile stands in for a partial one that is gone', async () => {
  const log = new FakeLog()
  fill(log, 100)
  const client = clientOf(log)
  const old = await client.latest()
  fill(log, 256)
  log.rewrite = (path, bytes) => (path.includes('.p/') ? undefined : bytes)
  await client.proveInclusion(log.entries[7]!, 7, old)
  const entries = await Array.fromAsync(client.entries(98, 101, old))
  expect(entries.map(({ index }) => index)).toEqual([98, 99])
})

test('reads entries in order, each proven', async () => {
  const log = new FakeLog()
  fill(log, 520)
  const client = clientOf(log)
  const checkpoint = await client.latest()
  const entries = await Array.fromAsync(client.entries(250, 520, checkpoint))
  expect(entries).toHaveLength(270)
  expect(entries.every(({ index, entry }) => Buffer.from(entry).toString() === `entry ${index}`)).toBe(true)
})

test.each(['tile/entries/000', 'tile/entries/002.p/8'])('refuses a changed entry in %s', async (path) => {
  const log = new FakeLog()
  fill(log, 520)
  const client = clientOf(log)
  const checkpoint = await client.latest()
  for (const at of [5, 60]) {
    log.rewrite = (asked, bytes) => (asked === path ? bytes.with(at, bytes[at]! ^ 1) : bytes)
    await expect(Array.fromAsync(client.entries(0, 520, checkpoint))).rejects.toMatchObject({
      code: 'LOG_INVALID',
    })
  }
})

test('refuses a log that shows another history', async () => {
  const log = new FakeLog()
  fill(log, 5)
  const client = clientOf(log)
  await client.latest()
  log.rewriteHistory(2, utf8('something else'))
  await expect(client.latest()).rejects.toMatchObject({ code: 'LOG_INVALID', action: 'stop' })
  fill(log, 9)
  await expect(client.latest()).rejects.toMatchObject({ code: 'LOG_INVALID' })
  expect(client.lastSeen!.size).toBe(5)
})

test('what was seen in an earlier life counts', async () => {
  const log = new FakeLog()
  fill(log, 5)
  const lastSeen = { size: 5, root: log.root(0, 5) }
  log.rewriteHistory(0, utf8('something else'))
  fill(log, 6)
  await expect(clientOf(log, { lastSeen }).latest()).rejects.toMatchObject({ code: 'LOG_INVALID' })
})

test('an old checkpoint of the same history is no answer, but no alarm either', async () => {
  const log = new FakeLog()
  fill(log, 5)
  const client = clientOf(log)
  await client.latest()
  log.rewrite = (path, bytes) => (path === 'checkpoint' ? utf8(log.note(3)) : bytes)
  await expect(client.latest()).rejects.toMatchObject({ code: 'LOG_UNREACHABLE' })
})

test('a log that was empty when first seen may grow: there was nothing to compare', async () => {
  const log = new FakeLog()
  let size = 0
  const client = clientOf(log, {
    fetch: async (input, init) =>
      (input as string).endsWith('/checkpoint') ? new Response(log.note(size)) : log.fetch(input, init),
  })
  expect(await client.latest()).toMatchObject({ size: 0 })
  expect(await client.latest()).toMatchObject({ size: 0 })
  fill(log, (size = 3))
  expect(await client.latest()).toMatchObject({ size: 3 })
  size = 0
  await expect(client.latest()).rejects.toMatchObject({ code: 'LOG_UNREACHABLE' })
  size = 2
  log.rewriteHistory(0, utf8('something else'))
  await expect(client.latest()).rejects.toMatchObject({ code: 'LOG_INVALID' })
})

test('an index the tree does not hold is refused: the log cannot pretend', async () => {
  const log = new FakeLog()
  fill(log, 3)
  const pretending: typeof fetch = async (input, init) =>
    init?.method === 'POST' ? Response.json({ index: 1 }) : log.fetch(input, init)
  await expect(clientOf(log, { fetch: pretending }).append(utf8('mine'))).rejects.toMatchObject({
    code: 'LOG_INVALID',
  })
  const early: typeof fetch = async (input, init) =>
    init?.method === 'POST' ? Response.json({ index: 3 }) : log.fetch(input, init)
  await expect(clientOf(log, { fetch: early }).append(utf8('mine'))).rejects.toMatchObject({
    code: 'LOG_UNREACHABLE',
  })
})

test('too few witnesses are not enough, whoever brings the note', async () => {
  const log = new FakeLog()
  fill(log, 3)
  log.cosigning = 1
  await expect(clientOf(log).latest()).rejects.toMatchObject({ code: 'LOG_UNREACHABLE' })
  expect(() => clientOf(log).verifyNote(log.note())).toThrowError(
    expect.objectContaining({ code: 'NOTE_QUORUM' }),
  )
})

test('another log key or origin is refused', async () => {
  const log = new FakeLog()
  fill(log, 3)
  const text = checkpointText({ origin: log.origin, size: 3, root: log.root(0, 3) })
  const forged = signNote(text, { ...log.signer, secretSeed: new Uint8Array(32).fill(1) })
  log.rewrite = (path, bytes) =>
    path === 'checkpoint' ? utf8(forged + log.witnesses.map((w) => cosign(text, w, 1)).join('')) : bytes
  await expect(clientOf(log).latest()).rejects.toMatchObject({ code: 'LOG_INVALID' })
})

test.each<[string, (log: FakeLog) => void, Partial<LogClientOptions>, string]>([
  ['a wrong token', () => undefined, { appendToken: 'wrong' }, 'LOG_REFUSED'],
  ['no network', (log) => (log.isDown = true), {}, 'LOG_UNREACHABLE'],
  ['a full log', (log) => (log.appendFault = () => 'not-persisted'), {}, 'LOG_UNREACHABLE'],
  ['an endless checkpoint', (log) => (log.rewrite = () => new Uint8Array(70_000)), {}, 'LOG_UNREACHABLE'],
  [
    'an endless tile',
    (log) => (log.rewrite = (path, b) => (path.startsWith('tile') ? new Uint8Array(9000) : b)),
    {},
    'LOG_UNREACHABLE',
  ],
  [
    'a short tile',
    (log) => (log.rewrite = (path, b) => (path.startsWith('tile') ? b.subarray(1) : b)),
    {},
    'LOG_INVALID',
  ],
  ['a checkpoint that is no note', (log) => (log.rewrite = () => utf8('hello')), {}, 'LOG_INVALID'],
])('says what is wrong: %s', async (_, change, options, code) => {
  const log = new FakeLog()
  fill(log, 3)
  change(log)
  await expect(clientOf(log, options).append(utf8('mine'))).rejects.toMatchObject({ code })
})

test('an append that was reported failed can be repeated without a second entry', async () => {
  const log = new FakeLog()
  log.appendFault = (call) => (call === 0 ? 'reported-failed' : undefined)
  const client = clientOf(log)
  await expect(client.append(utf8('mine'))).rejects.toMatchObject({ code: 'LOG_UNREACHABLE' })
  expect(await client.append(utf8('mine'))).toMatchObject({ index: 0 })
  expect(log.entries).toHaveLength(1)
})

test('a silent log is given up on', async () => {
  const silent: typeof fetch = (_, init) =>
    new Promise((_resolve, reject) =>
      init!.signal!.addEventListener('abort', () => reject(init!.signal!.reason as Error)),
    )
  const client = clientOf(new FakeLog(), { fetch: silent, timeoutMs: 20 })
  await expect(client.latest()).rejects.toMatchObject({ code: 'LOG_UNREACHABLE' })
})
