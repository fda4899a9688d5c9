import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Contract, InferTask, Rules } from '@sotto/protocol/contract'
import { afterEach, describe, expect, it } from 'vitest'
import { ROOM } from '../../packages/kms/test/contracts/room-world.ts'
import { fixtureModel, ownModel, type ModelOnDisk, sealedModel } from './support/models.ts'
import { RoomLab } from './support/room-lab.ts'
import { itemsOf, sealed } from './support/sealed-data.ts'
import { claim } from '../claims.ts'

const LETTERS = [
  'The harbour was closed for a week. Ships waited outside in the fog. On Monday the pilots went out again.',
  'My brother sold the mill. He kept the horses and the lower field. Nobody in the village knew why he did it.',
]

const RULES: Rules = {
  receivers: ['bank', 'shop'],
  forbidden: [],
  minContributors: 1,
  noisy: false,
  review: false,
}

interface Room {
  model: ModelOnDisk
  task: Partial<InferTask>
  rules?: Partial<Rules>
  kind?: 'text' | 'audio'
}

/** The bank's letters, read by a model of the shop, which gets what it makes of them. */
function summaries({ model, task, rules, kind = 'text' }: Room): (contract: Contract) => Partial<Contract> {
  const uses = [{ transform: 'summary', runs: 5 }]
  return () => ({
    inputs: [
      { name: 'letters', owner: 'bank', kind, uses, rules: { ...RULES, ...rules } },
      { name: 'model', owner: 'shop', kind: 'model', uses, rules: RULES },
    ],
    transforms: [
      {
        name: 'summary',
        reads: ['letters', 'model'],
        room: [ROOM.image],
        task: {
          kind: 'infer',
          action: 'summarise',
          model: 'model',
          digest: model.manifest.digest,
          settings: {},
          ...task,
        },
      },
    ],
    outputs: [{ name: 'summaries', from: 'summary', receivers: ['shop'], maxBytes: 100_000 }],
  })
}

let lab: RoomLab
afterEach(() => lab?.close())

async function run(room: Room, items: readonly (string | Uint8Array)[] = LETTERS) {
  lab = await RoomLab.open(summaries(room))
  const kind = room.kind ?? 'text'
  await lab.prepare({
    letters: await sealed(kind, kind, itemsOf(items), { items: items.length }),
    model: await sealedModel(room.model),
  })
  const { view, offered } = await lab.run({ template: undefined })
  const lines = view.outputs[0] === undefined ? '' : await lab.text(view.outputs[0], offered, 'shop')
  return {
    view,
    texts: lines
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Line),
  }
}

interface Line {
  item: number
  text?: string
  vector?: number[]
}

const T5 = fixtureModel('t5', 'seq2seq', 'summarization')
const BART = fixtureModel('bart', 'seq2seq', 'summarization')

describe('a model over texts of another party', () => {
  it.each([
    ['T5', T5],
    ['BART', BART],
  ])('%s summarises each, and only its receiver reads the summaries', async (_, model) => {
    const { view, texts } = await run({ model, task: { settings: { maxTokens: 12, beams: 2 } } })
    expect(view).toMatchObject({ state: 'done' })
    expect(texts.map(({ item }) => item)).toEqual([1, 2])
    for (const { text } of texts) expect(text).toEqual(expect.any(String))
  })

  it('has the same answer for the same letters, and another one where the contract says another prompt', async () => {
    const said = async (task: Partial<InferTask>) => {
      const { texts } = await run({ model: T5, task })
      await lab.close()
      return texts.map(({ text }) => text).join('|')
    }
    const settings = { maxTokens: 12 }
    const first = await said({ settings })
    expect(await said({ settings })).toBe(first)
    expect(await said({ settings, prompt: 'translate English to German: ' })).not.toBe(first)
    expect(await said({ settings: { maxTokens: 3 } })).not.toBe(first)
  })

  it('embeds them', async () => {
    const model = ownModel('sotto-hash-embed')
    const { view, texts } = await run({ model, task: { action: 'embed' } })
    expect(view.failure).toBeUndefined()
    expect(texts).toHaveLength(2)
    expect(texts[0]!.vector!.length).toBeGreaterThan(8)
  })

  it('is refused where its settings are none that the model takes', async () => {
    const model = ownModel('sotto-extractive')
    const { view } = await run({ model, task: { settings: { beams: 2 } } })
    expect(view).toMatchObject({ state: 'failed', failure: { code: 'ROOM_TASK' }, outputs: [] })
  })

  it('is refused where its weights are not those that the contract pins', async () => {
    lab = await RoomLab.open(summaries({ model: T5, task: {} }))
    await lab.prepare({
      letters: await sealed('text', 'text', itemsOf(LETTERS), { items: 2 }),
      model: await sealedModel(BART),
    })
    const { view } = await lab.run({ template: undefined })
    expect(view).toMatchObject({ state: 'failed', failure: { code: 'ROOM_INPUT' } })
  })
})

describe('the longest passage that a summary may repeat', () => {
  // It takes sentences as they stand.
  const model = ownModel('sotto-extractive')

  it(claim('rooms.rules', 'keeps a summary in the room that hands over the text itself'), async () => {
    const { view } = await run({ model, task: {}, rules: { maxCommonWords: 4 } })
    expect(view).toMatchObject({
      state: 'failed',
      failure: { code: 'ROOM_OVERLAP', rule: 'max-common-words' },
      outputs: [],
    })
    expect(JSON.stringify(view)).not.toMatch(/harbour|mill/)
  })

  it('is in the provenance of one that repeats less', async () => {
    const { view } = await run({ model, task: {}, rules: { maxCommonWords: 100 } })
    expect(view).toMatchObject({ state: 'done' })
    const { payload } = JSON.parse(view.provenance!) as { payload: string }
    const statement = JSON.parse(Buffer.from(payload, 'base64').toString()) as {
      predicate: { steps: { commonWords: number }[]; inputs: { model?: string }[] }
    }
    expect(statement.predicate.steps[0]!.commonWords).toBeGreaterThan(4)
    expect(statement.predicate.inputs[1]!.model).toBe(model.manifest.digest)
  })

  it('lets no vector out, which is no text', async () => {
    const { view } = await run({
      model: ownModel('sotto-hash-embed'),
      task: { action: 'embed' },
      rules: { maxCommonWords: 100 },
    })
    expect(view).toMatchObject({ state: 'failed', failure: { code: 'ROOM_OVERLAP' } })
  })
})

describe('recordings of another party', () => {
  it('are transcribed in the room', async () => {
    const recording = new Uint8Array(
      readFileSync(join(import.meta.dirname, '../../models/demo/session-note.wav')),
    )
    const model = ownModel('sotto-ctc-synthetic-en')
    const { view, texts } = await run({ model, task: { action: 'transcribe' }, kind: 'audio' }, [recording])
    expect(view).toMatchObject({ state: 'done' })
    expect(texts).toEqual([{ item: 1, text: expect.stringMatching(/\w+ \w+ \w+/) }])
  })
})

describe('an offer that comes again', () => {
  it('is the same offer: whoever saw it pass takes no place with it', async () => {
    lab = await RoomLab.open(summaries({ model: T5, task: {} }))
    await lab.prepare({
      letters: await sealed('text', 'text', itemsOf(LETTERS), { items: 2 }),
      model: await sealedModel(T5),
    })
    const nonce = 'ab'.repeat(16)
    const again = await Promise.all(
      Array.from({ length: 40 }, () => lab.offer({ template: undefined, nonce })),
    )
    expect(new Set(again.map(({ offer }) => offer.nonce)).size).toBe(1)
    expect((await lab.offer({ template: undefined })).offer.nonce).not.toBe(again[0]!.offer.nonce)
  })
})
