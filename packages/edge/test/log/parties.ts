import { expect, onTestFinished } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { canonicalJson } from '@sotto/protocol/jcs'
import { crypto } from '@sotto/protocol/crypto-backend'
import { signDsse } from '@sotto/protocol/dsse'
import type { TileReader } from '@sotto/protocol/merkle'
import { tilePath } from '@sotto/protocol/tile-path'
import {
  type NoteSigner,
  verifierKeyOf,
  verifyCheckpoint,
  type VerifiedCheckpoint,
} from '@sotto/protocol/note'
import type { App } from '@sotto/serve/errors'
import { openLog, type OpenLogOptions, type RunningLog } from '../../src/log/open-log.ts'
import type { LogStore } from '../../src/log/store.ts'
import { createWitnessClient } from '../../src/log/witness-client.ts'
import { createWitnessApp } from '../../src/witness/app.ts'
import { createWitness } from '../../src/witness/witness.ts'
import type { WitnessRecord } from '../../src/witness/store.ts'

export const ORIGIN = 'log.example/test'
export const SIGNER: NoteSigner = { name: ORIGIN, secretSeed: crypto.sha256(utf8('log')) }
const LOG_KEY = verifierKeyOf(SIGNER, 'ed25519')
export const TOKEN = 'a-token-of-at-least-thirty-two-characters'
const AUTHOR = crypto.ed25519.generate()

export const envelope = (text: string): Uint8Array =>
  signDsse('application/test+json', canonicalJson({ text }), [
    { publicKey: AUTHOR.publicKey, secretSeed: AUTHOR.seed },
  ])

export interface TestWitness {
  key: string
  app: App
  records: Map<string, WitnessRecord>
  now: number
  /** What happens instead of an answer. */
  outage?: (request: Request) => Promise<Response> | Response
}

export function newWitness(name: string): TestWitness {
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

/** Opens a log until the test that asks for it has finished. */
export function open(...parts: Parameters<typeof openUnbound>): RunningLog {
  const log = openUnbound(...parts)
  onTestFinished(() => log.publisher.stop())
  return log
}

/** As {@link open}; whoever opens it stops its publisher. */
export function openUnbound(
  store: LogStore,
  witnesses: TestWitness[],
  change: Partial<OpenLogOptions> = {},
): RunningLog {
  return openLog({
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
}

export const threeWitnesses = (): TestWitness[] =>
  ['w1', 'w2', 'w3'].map((name) => newWitness(`${name}.example`))

export async function append(
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

export async function checkpoint(
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

export const tilesOf =
  (log: RunningLog): TileReader =>
  async (tile) => {
    const response = await log.app(new Request(`http://log/log/${tilePath(tile)}`))
    expect(response.status).toBe(200)
    return new Uint8Array(await response.arrayBuffer())
  }
