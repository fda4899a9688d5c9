import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { concat, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { signDsse } from '@sotto/protocol/dsse'
import { canonicalJson } from '@sotto/protocol/jcs'
import {
  leafHash,
  nodeHash,
  proveConsistency,
  proveInclusion,
  rootFromTiles,
  type TileReader,
  verifyConsistency,
  verifyInclusion,
} from '@sotto/protocol/merkle'
import { verifierKeyOf, verifyCheckpoint, type NoteSigner } from '@sotto/protocol/note'
import {
  createWitnessClient,
  openLog,
  openSqliteStore,
  type RunningLog,
} from '../packages/edge/src/log/index.ts'
import { createWitness, createWitnessApp, openWitnessStore } from '../packages/edge/src/witness/index.ts'

/**
 * What a transparency log costs: entries a second that are durable and cosigned by two witnesses (each with its own
 * synced database), how large proofs are, and what checking them takes. Log and witnesses are the product's, in this
 * process, without a network between them.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' },
    json: { type: 'boolean', default: false },
  },
})
const ROUND = 50
const TOKEN = 'a-token-of-at-least-thirty-two-characters'
const ORIGIN = 'log.example/bench'
const seconds = Number(values.seconds)
const folder = mkdtempSync(join(tmpdir(), 'sotto-bench-log-'))
const author = crypto.ed25519.generate()
const logSigner: NoteSigner = { name: ORIGIN, secretSeed: crypto.ed25519.generate().seed }
const witnessSigners = ['w1', 'w2'].map((name) => ({
  name: `${name}.example/w`,
  secretSeed: crypto.ed25519.generate().seed,
}))

try {
  await main()
} finally {
  rmSync(folder, { recursive: true })
}

async function main(): Promise<void> {
  const appends = []
  for (const atOnce of [1, 64, 512]) appends.push(await appendFor(atOnce))
  const proofs = []
  for (const size of [1_000, 100_000]) proofs.push(await proofsOf(size))
  const checkpointUs = await timeCheckpoint()
  if (values.json) return console.log(JSON.stringify({ appends, proofs, checkpointUs }))
  for (const { atOnce, perSecond, cpuMs, p50Ms, p99Ms } of appends)
    console.log(
      `${String(atOnce).padStart(4)} at once: ${perSecond} appends/s, durable and cosigned twice, ${cpuMs} ms of CPU each; p50 ${p50Ms} ms, p99 ${p99Ms} ms`,
    )
  for (const { size, inclusionBytes, inclusionUs, consistencyBytes, consistencyUs } of proofs)
    console.log(
      `${size} entries: inclusion ${inclusionBytes} bytes, verified in ${inclusionUs} µs; consistency ${consistencyBytes} bytes, ${consistencyUs} µs`,
    )
  console.log(`a checkpoint of two witnesses: ${checkpointUs} µs to verify`)
}

/** A log and two witnesses, each with its own database. */
async function openAll(name: string): Promise<{ log: RunningLog; close: () => void }> {
  const logKey = verifierKeyOf(logSigner, 'ed25519')
  const stores = witnessSigners.map((_, at) => openWitnessStore(join(folder, `${name}-w${at}.db`)))
  const witnesses = witnessSigners.map((signer, at) => {
    const verifierKey = verifierKeyOf(signer, 'cosignature-v1')
    const addCheckpoint = createWitness({
      logs: [{ origin: ORIGIN, key: logKey }],
      signer,
      store: stores[at]!,
      now: () => Date.now() / 1000,
    })
    const app = createWitnessApp({ addCheckpoint, verifierKey })
    return createWitnessClient({ url: 'http://witness', key: verifierKey }, async (request) => app(request))
  })
  const log = openLog({
    origin: ORIGIN,
    signer: logSigner,
    store: openSqliteStore(join(folder, `${name}.db`)),
    appendToken: TOKEN,
    witnesses,
    quorum: 2,
    batchMs: 5,
    refreshMs: 60_000,
    appendWaitMs: 15_000,
  })
  await log.publisher.waitFor(0, 10_000)
  return {
    log,
    close() {
      log.close()
      for (const store of stores) store.close()
    },
  }
}

/** An answer means: on disk, and in a checkpoint that both witnesses have on theirs. */
async function appendFor(
  atOnce: number,
): Promise<{ atOnce: number; perSecond: number; cpuMs: number; p50Ms: number; p99Ms: number }> {
  const { log, close } = await openAll(`appends-${atOnce}`)
  const end = performance.now() + seconds * 1000
  const times: number[] = []
  let next = 0
  async function writer(): Promise<void> {
    while (performance.now() < end) {
      const entry = signDsse(
        'application/test+json',
        canonicalJson({ entry: next++, text: 'x'.repeat(400) }),
        [{ publicKey: author.publicKey, secretSeed: author.seed }],
      )
      const start = performance.now()
      const answer = await log.app(
        new Request('http://log/log/entries', {
          method: 'POST',
          body: entry as Uint8Array<ArrayBuffer>,
          headers: { authorization: `Bearer ${TOKEN}` },
        }),
      )
      if (answer.status !== 200) throw new Error(`the log answered ${answer.status}`)
      times.push(performance.now() - start)
    }
  }
  const before = process.cpuUsage()
  const start = performance.now()
  await Promise.all(Array.from({ length: atOnce }, writer))
  const elapsed = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(before)
  close()
  times.sort((a, b) => a - b)
  const at = (share: number): number => round(times[Math.floor((times.length - 1) * share)]!)
  return {
    atOnce,
    perSecond: Math.round(times.length / elapsed),
    cpuMs: round((user + system) / 1000 / times.length),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  }
}

/** Proofs of one tree, in the middle of it, where they are longest. */
async function proofsOf(size: number): Promise<{
  size: number
  inclusionBytes: number
  inclusionUs: number
  consistencyBytes: number
  consistencyUs: number
}> {
  const rows = [Array.from({ length: size }, (_, at) => leafHash(utf8(`entry ${at}`)))]
  for (let row = rows[0]!; row.length > 1;) {
    const above: Uint8Array[] = []
    for (let at = 0; at + 1 < row.length; at += 2) above.push(nodeHash(row[at]!, row[at + 1]!))
    rows.push((row = above))
  }
  const read: TileReader = async ({ level, index, width }) =>
    concat(...rows[level * 8]!.slice(index * 256, index * 256 + width))
  const root = await rootFromTiles(size, read)
  const index = Math.floor(size / 2) - 1
  const proof = await proveInclusion(index, size, read)
  const older = size - 377
  const olderRoot = await rootFromTiles(older, async (tile) => {
    const bytes = await read({ ...tile, width: 256 })
    return bytes.subarray(0, tile.width * 32)
  })
  const growth = await proveConsistency(older, size, read)
  return {
    size,
    inclusionBytes: proof.length * 32,
    inclusionUs: timed(() => verifyInclusion(rows[0]![index]!, index, size, proof, root)),
    consistencyBytes: growth.length * 32,
    consistencyUs: timed(() => verifyConsistency(older, olderRoot, size, root, growth)),
  }
}

async function timeCheckpoint(): Promise<number> {
  const { log, close } = await openAll('checkpoint')
  const note = await (await log.app(new Request('http://log/log/checkpoint'))).text()
  const requirements = {
    origin: ORIGIN,
    logKey: log.verifierKey,
    witnessKeys: witnessSigners.map((signer) => verifierKeyOf(signer, 'cosignature-v1')),
    quorum: 2,
  }
  const us = timed(() => void verifyCheckpoint(note, requirements))
  close()
  return us
}

/** Microseconds of CPU, which a busy machine disturbs least: the best of several rounds. */
function timed(work: () => void): number {
  const rounds = Array.from({ length: 10 }, () => {
    const before = process.cpuUsage()
    for (let i = 0; i < ROUND; i++) work()
    const { user, system } = process.cpuUsage(before)
    return (user + system) / ROUND
  })
  return Math.round(Math.min(...rounds))
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10
}
