import { mkdtempSync, renameSync, rmSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { canonicalJson } from '@sotto/protocol/jcs'
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
import { verifyCheckpoint, type VerifiedCheckpoint } from '@sotto/protocol/note'
import { requestBody, treeOf } from '../witness/tree.ts'
import { printKey, type RoleHandle, startRoleProcess, writeConfig } from './role-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'sotto-edge-kill-'))
const TOKEN = 'a-token-of-at-least-thirty-two-characters'
const ORIGIN = 'log.example/kill'
/** How long a busy machine may take for a dozen entries. */
const SOON_MS = 15_000
const author = crypto.ed25519.generate()
const running = new Set<RoleHandle>()

afterEach(async () => {
  for (const role of running) await role.kill('SIGKILL')
  running.clear()
})
afterAll(() => rmSync(folder, { recursive: true }))

async function start(role: string, config: string): Promise<RoleHandle> {
  const handle = await startRoleProcess(role, config, { SOTTO_LOG_APPEND_TOKEN: TOKEN })
  running.add(handle)
  return handle
}

async function stop(handle: RoleHandle, signal: NodeJS.Signals): Promise<number | null> {
  running.delete(handle)
  return handle.kill(signal)
}

/** A log and its witness that know each other's keys. The witness keeps its port across restarts. */
async function deploy(
  name: string,
): Promise<{ log: string; witness: string; logKey: string; witnessKey: string }> {
  const logBase = {
    origin: ORIGIN,
    listen: { port: 0 },
    store: join(folder, `${name}-log`),
    quorum: 1,
    batchMs: 1,
  }
  // Below the ports of stacks and of outgoing connections, which other tests take meanwhile.
  const port = 10_000 + Math.floor(Math.random() * 10_000)
  const witnessBase = { name: 'w.example', listen: { port }, store: join(folder, `${name}-witness`) }
  // Nobody's key, to have a complete configuration before the keys exist.
  const placeholder = { key: 'nobody+00000000+AQ==', origin: ORIGIN }
  const witnessKey = await printKey(
    'witness',
    writeConfig('witness', { ...witnessBase, logs: [placeholder] }),
  )
  const witnesses = [{ url: `http://127.0.0.1:${port}`, key: witnessKey }]
  const log = writeConfig('log', { ...logBase, witnesses })
  const logKey = await printKey('log', log)
  return {
    log,
    witness: writeConfig('witness', { ...witnessBase, logs: [{ origin: ORIGIN, key: logKey }] }),
    logKey,
    witnessKey,
  }
}

const envelope = (text: string): Uint8Array<ArrayBuffer> =>
  signDsse('application/test+json', canonicalJson({ text }), [
    { publicKey: author.publicKey, secretSeed: author.seed },
  ]) as Uint8Array<ArrayBuffer>

async function append(url: string, entry: Uint8Array<ArrayBuffer>): Promise<number | undefined> {
  try {
    const response = await fetch(`${url}/log/entries`, {
      method: 'POST',
      body: entry,
      headers: { authorization: `Bearer ${TOKEN}` },
    })
    return response.ok ? ((await response.json()) as { index: number }).index : undefined
  } catch {
    return undefined
  }
}

const tilesAt =
  (url: string): TileReader =>
  async (tile) =>
    new Uint8Array(await (await fetch(`${url}/log/${tilePath(tile)}`)).arrayBuffer())

test(
  'a log killed at any moment loses no entry it acknowledged and never forks',
  { timeout: 90_000 },
  async () => {
    const { log: config, witness, logKey, witnessKey } = await deploy('a')
    await start('witness', witness)
    const checkpointOf = async (url: string): Promise<VerifiedCheckpoint> =>
      verifyCheckpoint(await (await fetch(`${url}/log/checkpoint`)).text(), {
        origin: ORIGIN,
        logKey,
        witnessKeys: [witnessKey],
        quorum: 1,
      })
    const acknowledged = new Map<string, number>()
    let last: VerifiedCheckpoint | undefined
    for (let round = 0; round < 4; round++) {
      const log = await start('log', config)
      const url = log.urls['http']!
      const checkpoint = await checkpointOf(url)
      if (last !== undefined && last.size > 0) {
        const proof = await proveConsistency(last.size, checkpoint.size, tilesAt(url))
        verifyConsistency(last.size, last.root, checkpoint.size, checkpoint.root, proof)
      }
      for (const [text, index] of acknowledged) {
        const proof = await proveInclusion(index, checkpoint.size, tilesAt(url))
        verifyInclusion(leafHash(envelope(text)), index, checkpoint.size, proof, checkpoint.root)
      }
      const before = acknowledged.size
      const writers = Array.from({ length: 4 }, async (_, writer) => {
        for (let i = 0; ; i++) {
          const text = `${round}/${writer}/${i}`
          const index = await append(url, envelope(text))
          if (index === undefined) return
          acknowledged.set(text, index)
        }
      })
      const some = { interval: 5, timeout: SOON_MS }
      await expect.poll(() => acknowledged.size - before, some).toBeGreaterThan(5 + round)
      last = await checkpointOf(url)
      await stop(log, 'SIGKILL')
      await Promise.all(writers)
    }
    expect(new Set(acknowledged.values()).size).toBe(acknowledged.size)
  },
)

test('a witness killed at any moment never cosigns less than it did before', async () => {
  const { log: config, witness, logKey } = await deploy('b')
  let handle = await start('witness', witness)
  const log = await start('log', config)
  const url = log.urls['http']!
  for (let round = 0; round < 3; round++) {
    const writing = Array.from({ length: 6 }, (_, index) => append(url, envelope(`${round}/${index}`)))
    const witnessed = (await writing[0])! + 1
    await stop(handle, 'SIGKILL')
    handle = await start('witness', witness)
    await Promise.all(writing)
    const signed = await (await fetch(`${url}/log/checkpoint`)).text()
    const rollback = requestBody(0, [], signed)
    const answer = await fetch(`${handle.urls['http']}/add-checkpoint`, { method: 'POST', body: rollback })
    expect(answer.status).toBe(409)
    expect(Number(await answer.text())).toBeGreaterThanOrEqual(witnessed)
    // Whoever holds another log's key gets nothing at all.
    const stranger = await fetch(`${handle.urls['http']}/add-checkpoint`, {
      method: 'POST',
      body: await treeOf(3).body(0),
    })
    expect(stranger.status).toBe(404)
  }
  expect(logKey).toContain(ORIGIN)
})

test('one store has one process, its own key and its own entries, or the log does not start', async () => {
  const { log: config, witness } = await deploy('c')
  const handle = await start('witness', witness)
  const log = await start('log', config)
  await append(log.urls['http']!, envelope('x'))
  await expect(startRoleProcess('log', config)).rejects.toThrow('STORE_IN_USE')
  expect(await stop(log, 'SIGTERM')).toBe(0)

  const key = join(folder, 'c-log', 'log.key')
  expect(statSync(key).mode & 0o777).toBe(0o600)
  renameSync(key, `${key}.away`)
  await expect(startRoleProcess('log', config)).rejects.toThrow('STORE_KEY_MISSING')
  renameSync(`${key}.away`, key)

  const db = new DatabaseSync(join(folder, 'c-log', 'log.db'))
  db.prepare('UPDATE entries SET entry = ?').run(utf8('y'))
  db.close()
  await expect(startRoleProcess('log', config)).rejects.toThrow('STORE_CORRUPT')
  expect(await stop(handle, 'SIGTERM')).toBe(0)
})
