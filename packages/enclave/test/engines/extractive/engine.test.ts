import { describe, expect, it } from 'vitest'
import { embedText } from '../../../src/engines/extractive/hash-embedding.ts'
import { createEngine } from '../../../src/engines/extractive/index.ts'
import type { Engine, EngineModel, TextEvent } from '../../../src/engines/types.ts'
import { codeOf } from '../host/fake-model.ts'

function modelOf(config: unknown, task: EngineModel['task']): EngineModel {
  const bytes = new TextEncoder().encode(typeof config === 'string' ? config : JSON.stringify(config))
  const file = {
    name: 'config.json',
    role: 'config',
    size: bytes.length,
    path: '',
    bytes: () => bytes,
  } as const
  return {
    id: 'x',
    task,
    engine: 'extractive',
    files: new Map([['config.json', file]]),
    threads: 1,
    contextTokens: 1,
    concurrency: 1,
  }
}

const HASH = { algorithm: 'hash-embedding', dimensions: 256, ngrams: [3, 4, 5], spread: 4 }
const signal = new AbortController().signal

async function load(config: unknown, task: EngineModel['task']): Promise<Engine> {
  const engine = createEngine()
  await engine.load(modelOf(config, task))
  return engine
}

describe('summarize', () => {
  it('streams sentence by sentence and counts words', async () => {
    const engine = await load({ algorithm: 'lexrank' }, 'summarization')
    const events: TextEvent[] = []
    for await (const event of engine.summarize!(
      { text: 'A cat sat here. A cat ran there. Dogs bark.', maxSentences: 2 },
      signal,
    ))
      events.push(event)
    expect(events.map((event) => (event.type === 'delta' ? event.text : event))).toEqual([
      'A cat sat here.',
      ' A cat ran there.',
      { type: 'done', finishReason: 'stop', usage: { inputTokens: 10, outputTokens: 8 } },
    ])
    expect(await codeOf(engine.embed!({ inputs: ['x'] }, signal))).toBe('ENGINE_UNSUPPORTED')
  })
})

describe('embed', () => {
  const cosine = (a: Float32Array, b: Float32Array): number =>
    a.reduce((sum, value, i) => sum + value * b[i]!, 0)

  it('gives vectors of length one, the same every time, pinned', async () => {
    const engine = await load(HASH, 'embedding')
    const { vectors, usage } = await engine.embed!(
      { inputs: ['The quiet river', '', 'The quiet river'] },
      signal,
    )
    expect(usage).toEqual({ inputTokens: 6, outputTokens: 0 })
    for (const vector of vectors) expect(cosine(vector, vector)).toBeCloseTo(1, 5)
    expect(vectors[0]).toEqual(vectors[2])
    // Pins the algorithm: a change makes every stored vector of every user worthless.
    const strongest = [...vectors[0]!.entries()]
      .toSorted((a, b) => Math.abs(b[1]) - Math.abs(a[1]))
      .slice(0, 4)
    expect(strongest.map(([index]) => index).toSorted((a, b) => a - b)).toMatchInlineSnapshot(`
      [
        15,
        130,
        140,
        208,
      ]
    `)
  })

  it('puts texts with common words nearer than others', () => {
    const embed = (text: string): Float32Array => embedText(text, HASH)
    const query = embed('patients who sleep badly')
    expect(cosine(query, embed('the patient slept badly again'))).toBeGreaterThan(
      cosine(query, embed('shares fell on Monday')) + 0.2,
    )
  })

  it('makes shorter vectors of length one, and refuses what it cannot make', async () => {
    const engine = await load(HASH, 'embedding')
    const { vectors } = await engine.embed!({ inputs: ['The quiet river'], dimensions: 64 }, signal)
    expect(vectors[0]).toHaveLength(64)
    expect(cosine(vectors[0]!, vectors[0]!)).toBeCloseTo(1, 5)
    expect(await codeOf(engine.embed!({ inputs: ['x'], dimensions: 257 }, signal))).toBe('ENGINE_INPUT')
    expect(await codeOf(engine.embed!({ inputs: [] }, signal))).toBe('ENGINE_INPUT')
    expect(await codeOf(engine.embed!({ inputs: [[1, 2]] }, signal))).toBe('ENGINE_UNSUPPORTED')
    expect(await codeOf(engine.embed!({ inputs: ['x'.repeat(1_000_001)] }, signal))).toBe('ENGINE_INPUT')
  })

  it.each([1, 2, 3, 5, 8, 16, 64])('gives no text the zero vector in %i dimensions', async (dimensions) => {
    const engine = await load(HASH, 'embedding')
    const inputs = ['', 'a', 'the', 'x', 'yes', 'the quiet river', '?!', '日本', ...'abcdefghij']
    const { vectors } = await engine.embed!({ inputs, dimensions }, signal)
    for (const vector of vectors) expect(cosine(vector, vector)).toBeCloseTo(1, 5)
  })

  it.each([
    [64, 0.9],
    [16, 0.3],
  ])('finds in %i dimensions far more than chance would', async (dimensions, atLeast) => {
    const engine = await load(HASH, 'embedding')
    const words =
      'river mole badger toad rat wood house boat lunch road motor weasel prison engine train'.split(' ')
    const passages = words.flatMap((one, i) =>
      words.slice(i + 1).map((two) => `A story of the ${one} that met the ${two} one day`),
    )
    const queries = passages.map((passage) =>
      passage
        .split(' ')
        .filter((word) => words.includes(word))
        .join(' '),
    )
    const stored = (await engine.embed!({ inputs: passages, dimensions }, signal)).vectors
    const asked = (await engine.embed!({ inputs: queries, dimensions }, signal)).vectors
    const hits = asked.filter((query, i) => {
      const own = cosine(query, stored[i]!)
      return stored.every((other, j) => j === i || cosine(query, other) < own)
    })
    // Chance is one in 105.
    expect(hits.length / passages.length).toBeGreaterThan(atLeast)
  })
})

describe('load', () => {
  it.each([
    ['not JSON', '{', 'embedding'],
    ['a list', [], 'embedding'],
    ['an unknown field', { ...HASH, seed: 1 }, 'embedding'],
    ['the wrong task', HASH, 'summarization'],
    ['lexrank for embeddings', { algorithm: 'lexrank' }, 'embedding'],
    ['no dimensions', { ...HASH, dimensions: undefined }, 'embedding'],
    ['huge dimensions', { ...HASH, dimensions: 1e9 }, 'embedding'],
    ['empty n-grams', { ...HASH, ngrams: [] }, 'embedding'],
    ['n-grams of zero', { ...HASH, ngrams: [0] }, 'embedding'],
  ] as const)('refuses %s', async (_, config, task) => {
    expect(await codeOf(load(config, task))).toBe('ENGINE_MODEL_INVALID')
  })
})
