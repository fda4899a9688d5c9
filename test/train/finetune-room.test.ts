import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Contract, epsilonMicrosFor, type FinetuneTask } from '@sotto/protocol/contract'
import { createModelManifest, parseModelManifest } from '@sotto/protocol/model-manifest'
import { parseMetrics } from '@sotto/protocol/training'
import { afterEach, describe, expect, it } from 'vitest'
import { adaptedModel } from '../../packages/cli/src/models/adapter/index.ts'
import type { EngineProcess } from '../../packages/enclave/src/engines/index.ts'
import { HELD, LETTERS } from '../../packages/enclave/test/train/stories.ts'
import { ROOM } from '../../packages/kms/test/contracts/room-world.ts'
import { RoomLab } from '../rooms/support/room-lab.ts'
import { itemsOf, sealed, type SealedData } from '../rooms/support/sealed-data.ts'

const NAME = 'sotto-tiny-story-en'
const PATH = new URL(`../../models/${NAME}/${NAME}.gguf`, import.meta.url).pathname
const STORY = new Uint8Array(readFileSync(PATH))
const BASE = createModelManifest({
  id: NAME,
  task: 'text-generation',
  engine: 'gguf',
  files: [
    {
      name: `${NAME}.gguf`,
      sha256: createHash('sha256').update(STORY).digest('hex'),
      size: STORY.length,
      role: 'weights',
    },
  ],
})
const everybody = ['bank', 'shop']

function task(change: Partial<FinetuneTask> = {}): FinetuneTask {
  return {
    kind: 'finetune',
    model: 'base',
    digest: BASE.digest,
    lora: { rank: 2, alphaMilli: 8000, targets: ['attn_q', 'ffn_down'] },
    texts: ['sent', 'received'],
    tokens: 40,
    validation: { texts: ['samples'] },
    descent: {
      steps: 10,
      batch: 6,
      optimiser: { kind: 'adamw', beta1Micros: 900_000, beta2Micros: 990_000, weightDecayMicros: 0 },
      schedule: { kind: 'linear', rateNanos: 20_000_000, warmupSteps: 2, floorMicros: 100_000 },
    },
    metrics: ['loss'],
    show: 'steps',
    limits: { memoryBytes: 2 ** 29, seconds: 60 },
    ...change,
  }
}

const TERMS = {
  sampleRateNanos: 500_000_000,
  noiseMicros: 1_500_000,
  clipMicros: 1_000_000,
  maxRowsPerContributor: 2,
  noise: 'gaussian',
  deltaTrillionths: 10_000_000,
} as const
const PRIVACY = { ...TERMS, epsilonMicros: epsilonMicrosFor(TERMS, { steps: 2 }) }

/** A bank has the model and some letters, a shop has others. */
function tuned(one: FinetuneTask): () => Partial<Contract> {
  const price = one.privacy && {
    epsilonMicros: one.privacy.epsilonMicros,
    deltaTrillionths: one.privacy.deltaTrillionths,
  }
  const input = (name: string, owner: string, kind: 'text' | 'model'): Contract['inputs'][number] => ({
    name,
    owner,
    kind,
    uses: [{ transform: 'tune', runs: 2, ...(one.texts.includes(name) && price) }],
    rules: { receivers: everybody, forbidden: [], minContributors: 1, noisy: false, review: false },
  })
  return () => ({
    inputs: [
      input('sent', 'bank', 'text'),
      input('received', 'shop', 'text'),
      input('samples', 'shop', 'text'),
      input('base', 'bank', 'model'),
    ],
    transforms: [
      { name: 'tune', reads: ['sent', 'received', 'samples', 'base'], room: [ROOM.image], task: one },
    ],
    outputs: [
      { name: 'adapter', from: 'tune', receivers: everybody, maxBytes: 1_000_000 },
      { name: 'figures', from: 'tune', part: 'metrics', receivers: ['shop'], maxBytes: 4096 },
    ],
  })
}

let lab: RoomLab
let folder: string | undefined
afterEach(async () => {
  await lab?.close()
  if (folder !== undefined) rmSync(folder, { recursive: true })
  folder = undefined
})

const texts = (all: readonly string[]): Promise<SealedData> =>
  sealed('text', 'text', itemsOf(all), { items: all.length })

async function prepared(one: FinetuneTask): Promise<void> {
  lab = await RoomLab.open(tuned(one))
  await lab.prepare({
    sent: await texts(LETTERS.slice(0, 3)),
    received: await texts(LETTERS.slice(3)),
    samples: await texts(HELD),
    base: await sealed('model', 'model', STORY, { model: JSON.stringify(BASE) }),
  })
}

/** Mean loss of a text, in nats. */
async function lossOf(engine: EngineProcess, text: string): Promise<number> {
  const scores = await engine.score(await engine.tokenize(text))
  return -scores.reduce((sum, { logprob }) => sum + logprob, 0) / scores.length
}

describe('a fine-tuning in a room', () => {
  it('gives an adapter that an engine serves beside the model, which tells such letters better with it', async () => {
    await prepared(task())
    const { view, offered } = await lab.run({ template: undefined })
    expect(view.failure).toBeUndefined()
    const { content: adapter } = await lab.open(view.outputs[0]!, offered, 'shop')
    const { content: figures } = await lab.open(view.outputs[1]!, offered, 'shop')
    const [loss] = parseMetrics(figures).metrics
    expect(loss!.valueMicros).toBeLessThan(loss!.baseMicros! * 0.8)
    folder = mkdtempSync(join(tmpdir(), 'sotto-tuned-'))
    writeFileSync(join(folder, 'tuned.gguf'), adapter)
    const files = await adaptedModel(PATH, join(folder, 'tuned.gguf'), 'letters')
    const manifest = parseModelManifest(await files['manifest.json']!.text())
    // Of the very model that the contract pins.
    expect(manifest.base).toBe(BASE.digest)
    const base = await lab.host.start({
      manifest: BASE,
      files: new Map([[`${NAME}.gguf`, STORY]]),
      threads: 1,
    })
    const both = new Map([
      [`${NAME}.gguf`, STORY],
      ['tuned.gguf', adapter],
    ])
    const served = await lab.host.start({ manifest, files: both, threads: 1 })
    for (const text of HELD) expect(await lossOf(served, text)).toBeLessThan((await lossOf(base, text)) * 0.8)
  })

  it('under a guarantee is charged to each text that it learns from, and to no other', async () => {
    const schedule = { ...task().descent.schedule, warmupSteps: 0 }
    await prepared(task({ privacy: PRIVACY, descent: { ...task().descent, steps: 2, schedule } }))
    const { view } = await lab.run({ template: undefined })
    expect(view.failure).toBeUndefined()
    const { payload } = JSON.parse(view.provenance!) as { payload: string }
    const { predicate } = JSON.parse(Buffer.from(payload, 'base64').toString()) as {
      predicate: { charges: { input: string }[]; steps: object[]; inputs: object[] }
    }
    const { epsilonMicros, deltaTrillionths } = PRIVACY
    const charged = predicate.charges.filter((charge) => 'epsilonMicros' in charge)
    expect(charged).toEqual(
      ['sent', 'received'].map((input) => ({
        input,
        transform: 'tune',
        runs: 1,
        epsilonMicros,
        deltaTrillionths,
      })),
    )
    expect(predicate.steps).toMatchObject([
      { kind: 'finetune', training: { steps: 2, epsilonMicros, deltaTrillionths } },
    ])
    expect(predicate.inputs).toContainEqual(expect.objectContaining({ input: 'base', model: BASE.digest }))
    const again = await lab.run({ template: undefined })
    expect(again.view).toMatchObject({ state: 'failed', outputs: [], failure: { rule: 'budget' } })
  })
})
