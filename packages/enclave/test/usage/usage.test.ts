import { expect, test } from 'vitest'
import { crypto } from '@sotto/protocol/crypto-backend'
import { canonicalJson } from '@sotto/protocol/jcs'
import { prepareSigner } from '@sotto/protocol/dsse'
import { parseSavedUsage } from '@sotto/protocol/usage'
import { createReceipt, createWorld } from '@sotto/testkit'
import { verifyUsage } from '@sotto/verifier'
import { claim } from '../../../../test/claims.ts'
import type { ServedModel } from '../../src/api/index.ts'
import type { TextEvent, TranscriptEvent } from '../../src/engines/index.ts'
import type { ServingIdentity } from '../../src/gateway/index.ts'
import {
  createUsageLedger,
  createUsagePublisher,
  INTERVAL_SECONDS,
  meterModel,
  MIN_ANSWERS,
} from '../../src/usage/index.ts'

const DIGEST = 'ab'.repeat(32)
const usage = { inputTokens: 3, outputTokens: 5 }

async function* textEvents(): AsyncGenerator<TextEvent> {
  yield { type: 'delta', text: 'secret words', tokens: 2 }
  yield { type: 'done', finishReason: 'stop', usage }
}
async function* transcriptEvents(): AsyncGenerator<TranscriptEvent> {
  yield { type: 'done', text: 'secret words', language: 'en', durationSeconds: 10.2, usage }
}
const MODEL: ServedModel = {
  id: 'model',
  task: 'text-generation',
  digest: DIGEST,
  loadedAt: 0,
  generate: textEvents,
  transcribe: transcriptEvents,
  embed: () => Promise.resolve({ vectors: [], usage: { inputTokens: 7, outputTokens: 0 } }),
}
const SIGNAL = new AbortController().signal

async function drain(events: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of events);
}

test('counts requests, whole seconds of audio and tokens of complete answers', async () => {
  const ledger = createUsageLedger()
  const model = meterModel(MODEL, ledger)
  await drain(model.generate!({} as never, SIGNAL))
  await drain(model.transcribe!(new Blob().stream(), {} as never, SIGNAL))
  await model.embed!({ inputs: [] }, SIGNAL)
  expect(ledger.totals()).toEqual([
    { model: DIGEST, requests: 3, audioSeconds: 11, inputTokens: 13, outputTokens: 10, answers: 3 },
  ])
})

test('an answer that was cut is a request and nothing more; a model that refuses is nothing', async () => {
  const ledger = createUsageLedger()
  const model = meterModel(MODEL, ledger)
  for await (const event of model.generate!({} as never, SIGNAL)) if (event.type === 'delta') break
  const refusing = meterModel(
    {
      ...MODEL,
      // oxlint-disable-next-line require-yield -- it fails before it has anything to say
      async *generate() {
        throw new Error('refused')
      },
    },
    ledger,
  )
  await expect(drain(refusing.generate!({} as never, SIGNAL))).rejects.toThrow('refused')
  expect(ledger.totals()).toEqual([
    { model: DIGEST, requests: 1, audioSeconds: 0, inputTokens: 0, outputTokens: 0, answers: 0 },
  ])
})

test('a model keeps its name, digest and lack of operations', () => {
  const { id, digest, summarize } = meterModel(MODEL, createUsageLedger())
  expect({ id, digest, summarize }).toEqual({ id: 'model', digest: DIGEST, summarize: undefined })
})

async function publisherOf(ledger = createUsageLedger()) {
  const world = await createWorld()
  const { saved, signer, release } = await createReceipt(world)
  const clock = { now: 1000 }
  const identity: ServingIdentity = {
    genesis: release.genesis,
    evidence: release.evidence,
    after: { size: 1, root: '00'.repeat(32) },
    signer: prepareSigner(signer),
  }
  const held: { identity?: ServingIdentity } = { identity }
  const publisher = createUsagePublisher({
    ledger,
    identity: () => held.identity,
    certificate: (evidence) => (evidence === release.evidence ? canonicalJson(saved.certificate) : undefined),
    now: () => clock.now,
  })
  return { world, ledger, clock, publisher, held }
}

test(
  claim('T17', 'publishes counts only after enough answers and enough time, so that none shows alone'),
  async () => {
    const { ledger, clock, publisher } = await publisherOf()
    const answer = { requests: 1, answers: 1, inputTokens: 2 }
    for (let n = 1; n < MIN_ANSWERS; n++) ledger.add(DIGEST, answer)
    clock.now += 10 * INTERVAL_SECONDS
    publisher.tick()
    expect(publisher.newest).toBeUndefined()
    ledger.add(DIGEST, answer)
    clock.now = 1000 + INTERVAL_SECONDS - 1
    publisher.tick()
    expect(publisher.newest).toBeUndefined()
    clock.now++
    publisher.tick()
    const first = publisher.newest
    expect(first).toBeDefined()
    clock.now += INTERVAL_SECONDS
    ledger.add(DIGEST, answer)
    publisher.tick()
    expect(publisher.newest).toBe(first)
  },
)

test(
  claim('T17', 'the counts of one model do not show one answer beside many of another, nor beside cut ones'),
  async () => {
    const { world, ledger, clock, publisher } = await publisherOf()
    const [busy, quiet] = [DIGEST, 'cd'.repeat(32)]
    const publish = () => {
      clock.now += INTERVAL_SECONDS
      publisher.tick()
      const { statement } = verifyUsage(parseSavedUsage(publisher.newest!), world.policy)
      return statement!.models.map(({ model, requests, inputTokens }) => [model, requests, inputTokens])
    }
    ledger.add(busy, { requests: MIN_ANSWERS, answers: MIN_ANSWERS, inputTokens: 100 })
    ledger.add(quiet, { requests: 1, answers: 1, inputTokens: 7 })
    expect(publish()).toEqual([[busy, MIN_ANSWERS, 100]])
    // Many that begin and do not end hide nobody who does.
    ledger.add(quiet, { requests: MIN_ANSWERS })
    ledger.add(busy, { requests: MIN_ANSWERS, answers: MIN_ANSWERS, inputTokens: 100 })
    expect(publish()).toEqual([[busy, 2 * MIN_ANSWERS, 200]])
    ledger.add(quiet, { answers: MIN_ANSWERS - 1, inputTokens: 30 })
    ledger.add(busy, { requests: 1, answers: 1, inputTokens: 5 })
    expect(publish()).toEqual([
      [busy, 2 * MIN_ANSWERS, 200],
      [quiet, MIN_ANSWERS + 1, 37],
    ])
  },
)

test('what is published verifies offline under the pinned genesis, and grows', async () => {
  const { world, ledger, clock, publisher } = await publisherOf()
  for (const sequence of [1, 2]) {
    ledger.add(DIGEST, { requests: MIN_ANSWERS, answers: MIN_ANSWERS, outputTokens: 1 })
    clock.now += INTERVAL_SECONDS
    publisher.tick()
    const result = verifyUsage(parseSavedUsage(publisher.newest!), world.policy)
    expect(result).toMatchObject({
      ok: true,
      statement: {
        sequence,
        startedAt: 1000,
        models: [{ requests: sequence * MIN_ANSWERS, outputTokens: sequence }],
      },
    })
  }
})

test('nothing is signed while nothing is held, nor by a key nobody certified', async () => {
  const { world, ledger, clock, publisher, held } = await publisherOf()
  const { identity } = held
  ledger.add(DIGEST, { requests: MIN_ANSWERS, answers: MIN_ANSWERS })
  clock.now += INTERVAL_SECONDS
  delete held.identity
  publisher.tick()
  expect(publisher.newest).toBeUndefined()
  const { seed, publicKey } = crypto.ed25519.generate()
  held.identity = { ...identity!, signer: prepareSigner({ secretSeed: seed, publicKey }) }
  publisher.tick()
  const result = verifyUsage(parseSavedUsage(publisher.newest!), world.policy)
  expect(result.ok).toBe(false)
  expect(result.statement).toBeUndefined()
})
