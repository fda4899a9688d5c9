import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { crypto } from '@sotto/protocol/crypto-backend'
import { verifierKeyOf, verifyCheckpoint, type VerifiedCheckpoint } from '@sotto/protocol/note'
import { appendEntries, EMPTY_FRONTIER, rootOf } from '../../packages/edge/src/log/frontier.ts'
import type { RunningLog } from '../../packages/edge/src/log/open-log.ts'
import type { LogStore } from '../../packages/edge/src/log/store.ts'
import { createWitnessClient } from '../../packages/edge/src/log/witness-client.ts'
import { createMemoryStore } from '../../packages/edge/test/log/memory-store.ts'
import { append, envelope, open, ORIGIN, SIGNER } from '../../packages/edge/test/log/parties.ts'
import { freePort } from '../log/parties.ts'

/** `go build` of test/interop/witness-peer, with litewitness beside it. */
const PEER = process.env['SOTTO_WITNESS_PEER']
if (PEER === undefined)
  process.stderr.write(
    'skipped: SOTTO_WITNESS_PEER names no build of test/interop/witness-peer: our log is cosigned by our own witness only\n',
  )

const LOG_KEY = verifierKeyOf(SIGNER, 'ed25519')

describe.skipIf(PEER === undefined)('litewitness', () => {
  let folder: string
  let peer: ChildProcess
  let url: string
  let key: string
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sotto-witness-'))
    url = `http://127.0.0.1:${await freePort()}`
    const flags = ['-name', 'litewitness.example/w', '-listen', new URL(url).host]
    peer = spawn(PEER!, [folder, ...flags], { stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    peer.stderr!.on('data', (bytes: Buffer) => (said += bytes.toString()))
    await vi.waitFor(() => fetch(url), { timeout: 30_000 }).catch(() => expect.fail(said))
    key = /vkey="?([^\s"]+)/.exec(said)![1]!
    watch(ORIGIN, LOG_KEY)
  })
  afterAll(async () => {
    if (peer?.exitCode === null) {
      peer.kill('SIGTERM')
      await once(peer, 'exit')
    }
    if (folder) rmSync(folder, { recursive: true })
  })

  /** As `witnessctl add-log` and `add-key` do. */
  function watch(origin: string, logKey: string): void {
    const database = new DatabaseSync(join(folder, 'litewitness.db'))
    const empty = createHash('sha256').digest('base64')
    database.prepare('INSERT INTO log (origin, tree_size, tree_hash) VALUES (?, 0, ?)').run(origin, empty)
    database.prepare('INSERT INTO key (origin, key) VALUES (?, ?)').run(origin, logKey)
    database.close()
  }

  /** A log of which it is the only witness. */
  const openUnder = (store: LogStore, change: Parameters<typeof open>[2] = {}): RunningLog =>
    open(store, [], {
      quorum: 1,
      witnesses: [createWitnessClient({ url, key })],
      witnessTimeoutMs: 5000,
      appendWaitMs: 10_000,
      ...change,
    })

  async function shown(log: RunningLog, origin = ORIGIN): Promise<VerifiedCheckpoint> {
    const note = await (await log.app(new Request('http://log/log/checkpoint'))).text()
    return verifyCheckpoint(note, { origin, logKey: LOG_KEY, witnessKeys: [key], quorum: 1 })
  }

  it('cosigns our log as it grows, also past a tile and over a restart, and anew while it does not', async () => {
    const store = createMemoryStore()
    const first = openUnder(store)
    for (const text of ['a', 'b', 'c'])
      expect(await append(first, envelope(text))).toMatchObject({ status: 200 })
    expect((await shown(first)).size).toBe(3)
    first.publisher.stop()

    // It knows no more what the witness has seen, and is told.
    const log = openUnder(store, { refreshMs: 50 })
    const more = Array.from({ length: 300 }, async (_, n) => append(log, envelope(`more ${n}`)))
    for (const { status } of await Promise.all(more)) expect(status).toBe(200)
    const { size, time } = await shown(log)
    expect(size).toBe(303)
    await expect.poll(async () => (await shown(log)).time).toBeGreaterThan(time)
  })

  it.each([
    ['another tree of the same size', 303],
    ['one with another past', 400],
    ['one that is smaller', 2],
  ])('does not cosign %s, and our log stops', async (_what, size) => {
    const store = createMemoryStore()
    const entries = Array.from({ length: size }, (_, n) => envelope(`fork ${n}`))
    const { frontier, hashes } = appendEntries(EMPTY_FRONTIER, entries)
    store.append({ firstIndex: 0, entries, hashes, tree: { size, root: rootOf(frontier) } })
    await expect(openUnder(store).publisher.waitFor(size, 5000)).rejects.toMatchObject({ code: 'LOG_FORKED' })
  })

  it('does not cosign a log that it does not watch, nor one of another key', async () => {
    const strangers = [
      { origin: 'unwatched.example/log', signer: { ...SIGNER, name: 'unwatched.example/log' } },
      { signer: { name: ORIGIN, secretSeed: crypto.ed25519.generate().seed } },
    ]
    for (const stranger of strangers) {
      const log = openUnder(createMemoryStore(), { ...stranger, appendWaitMs: 300 })
      expect((await append(log, envelope('x'))).body).toMatchObject({ error: { code: 'LOG_NOT_WITNESSED' } })
    }
  })
})
