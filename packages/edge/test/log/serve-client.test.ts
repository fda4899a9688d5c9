import { expect, onTestFinished, test } from 'vitest'
import { crypto } from '@sotto/protocol/crypto-backend'
import { utf8 } from '@sotto/protocol/bytes'
import { signDsse } from '@sotto/protocol/dsse'
import { canonicalJson } from '@sotto/protocol/jcs'
import { verifierKeyOf } from '@sotto/protocol/note'
import { createLogClient, type LogClient } from '@sotto/serve/log-client'
import { openLog } from '../../src/log/open-log.ts'
import { createWitnessClient } from '../../src/log/witness-client.ts'
import { createWitnessApp } from '../../src/witness/app.ts'
import type { WitnessRecord } from '../../src/witness/store.ts'
import { createWitness } from '../../src/witness/witness.ts'
import { createMemoryStore } from './memory-store.ts'

const ORIGIN = 'log.example/client'
const TOKEN = 'a-token-of-at-least-thirty-two-characters'
const author = crypto.ed25519.generate()
const envelope = (text: string): Uint8Array =>
  signDsse('application/test+json', canonicalJson({ text }), [
    { publicKey: author.publicKey, secretSeed: author.seed },
  ])

/** The log, its witness and the client that the measured roles use, over the log's own app. */
async function open(): Promise<LogClient> {
  const signer = { name: ORIGIN, secretSeed: crypto.sha256(utf8('log')) }
  const witnessSigner = { name: 'w.example', secretSeed: crypto.sha256(utf8('witness')) }
  const key = verifierKeyOf(signer, 'ed25519')
  const witnessKey = verifierKeyOf(witnessSigner, 'cosignature-v1')
  const records = new Map<string, WitnessRecord>()
  const witness = createWitnessApp({
    addCheckpoint: createWitness({
      logs: [{ origin: ORIGIN, key }],
      signer: witnessSigner,
      store: {
        read: (o) => records.get(o),
        write: (o, r) => void records.set(o, r),
        isEmpty: () => records.size === 0,
        close() {},
      },
      now: () => 1_800_000_000,
    }),
    verifierKey: witnessKey,
  })
  const log = openLog({
    origin: ORIGIN,
    signer,
    store: createMemoryStore(),
    appendToken: TOKEN,
    witnesses: [
      createWitnessClient({ url: 'http://witness', key: witnessKey }, async (request) => witness(request)),
    ],
    quorum: 1,
    batchMs: 1,
    refreshMs: 60_000,
    appendWaitMs: 2000,
  })
  onTestFinished(() => log.publisher.stop())
  await log.publisher.waitFor(0, 1000)
  return createLogClient({
    url: 'http://log',
    origin: ORIGIN,
    key,
    witnesses: { keys: [witnessKey], quorum: 1 },
    appendToken: TOKEN,
    fetch: async (input, init) => log.app(new Request(input as string, init)),
  })
}

test('appends, proofs and entries of the client hold against this log, across tiles', async () => {
  const client = await open()
  const first = await client.append(envelope('first'))
  await Promise.all(Array.from({ length: 300 }, (_, index) => client.append(envelope(`${index}`))))
  const latest = await client.latest()
  expect([first.index, latest.size]).toEqual([0, 301])
  await client.proveInclusion(envelope('first'), 0, latest)
  await client.proveConsistency(first.checkpoint, latest)
  let count = 0
  for await (const { index } of client.entries(0, latest.size, latest)) expect(index).toBe(count++)
  expect(count).toBe(301)
})
