import type { FinetuneTask, OutputPart } from '@sotto/protocol/contract'
import { encodeGguf, parseLoraAdapter } from '@sotto/protocol/gguf'
import { parseMetrics, parseSafetensors } from '@sotto/protocol/training'
import { describe, expect, it } from 'vitest'
import { tinyGpt2 } from '../../../../protocol/test/gguf/tiny-models.ts'
import type { TextSource } from '../../../src/train/data/read-texts.ts'
import { windowsAtOnce } from '../../../src/train/task/finetune/graphs.ts'
import { type FinetuneRun, requireFinetune, runFinetune } from '../../../src/train/task/finetune/index.ts'
import type { TrainingProgress, TrainingResult } from '../../../src/train/task/index.ts'
import { letterFile, letterModel, PRIVATE_TUNING, RHYMES, textsOf, TUNING } from '../tunings.ts'

const RHYMES_TEXT = textsOf('rhymes', RHYMES)
const BAD_UTF8 = Uint8Array.of(0x61, 0xff, 0x62)

function runOf(over: Partial<FinetuneRun> = {}, sources: readonly TextSource[] = [RHYMES_TEXT]): FinetuneRun {
  return {
    task: TUNING,
    model: letterModel(),
    texts: new Map(sources.map((source) => [source.name, source])),
    parts: new Map([['model', 100_000]]),
    secret: new Uint8Array(32).fill(4),
    ...over,
  }
}

const bytesOf = ({ parts }: TrainingResult, part: OutputPart = 'model'): Buffer =>
  Buffer.from(parts.get(part)!)

describe('a model that is tuned', () => {
  it('tells texts to measure with better than before, and is given in each form', async () => {
    const shown: TrainingProgress[] = []
    const parts = new Map([
      ['model', 100_000],
      ['safetensors', 100_000],
      ['metrics', 1000],
    ] as const)
    const task: FinetuneTask = {
      ...TUNING,
      validation: { splitNanos: 300_000_000 },
      metrics: ['loss'],
      show: 'loss',
    }
    const result = await runFinetune(runOf({ task, parts, onProgress: (one) => void shown.push(one) }))
    expect(result.figures).toEqual({
      steps: 40,
      reason: 'steps',
      graph: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
    })
    const adapter = parseLoraAdapter(bytesOf(result))
    expect(adapter).toMatchObject({ architecture: 'llama', alpha: 8 })
    expect(adapter.branches).toHaveLength(8)
    expect(adapter.branches.every(({ rank, up }) => rank === 4 && up.some((value) => value !== 0))).toBe(true)
    expect(parseSafetensors(bytesOf(result, 'safetensors')).tensors).toHaveLength(16)
    const [loss, ...others] = parseMetrics(bytesOf(result, 'metrics')).metrics
    expect(others).toEqual([])
    expect(loss).toMatchObject({ metric: 'loss', split: 'validation' })
    // Of eleven words that are told by chance: the logarithm of 11.
    expect(loss!.baseMicros).toBeGreaterThan(2_000_000)
    expect(loss!.valueMicros).toBeLessThan(loss!.baseMicros! * 0.75)
    expect(shown).toHaveLength(40)
    expect(shown[39]!.lossMicros).toBeLessThan(shown[0]!.lossMicros! * 0.75)
  })

  it('is the same again by the same secret, and another by another', async () => {
    const [one, again] = [await runFinetune(runOf()), await runFinetune(runOf())]
    const other = await runFinetune(runOf({ secret: new Uint8Array(32).fill(5) }))
    expect(bytesOf(again).equals(bytesOf(one))).toBe(true)
    expect(bytesOf(other).equals(bytesOf(one))).toBe(false)
  })

  it('learns from all of its inputs, and stops when texts of another get no better', async () => {
    const task: FinetuneTask = {
      ...TUNING,
      texts: ['rhymes', 'more'],
      validation: { texts: ['apart'] },
      descent: { ...TUNING.descent, steps: 400, stopEarly: { every: 5, patience: 2 } },
    }
    const sources = [RHYMES_TEXT, textsOf('more', RHYMES.slice(0, 5)), textsOf('apart', ['hgfedcba'])]
    const { figures } = await runFinetune(runOf({ task }, sources))
    expect(figures.reason).toBe('early')
    expect(figures.steps).toBeLessThan(400)
  })

  it.each<[string, Partial<FinetuneRun>, object]>([
    [
      'is no model',
      { model: letterModel({ bytes: new Uint8Array(64) }) },
      { code: 'ROOM_TRAIN_GRAPH', found: 'GGUF_MALFORMED' },
    ],
    [
      'has no such weights',
      { task: { ...TUNING, lora: { ...TUNING.lora, targets: ['attn_q', 'attn_v'] } }, model: gpt2() },
      { code: 'ROOM_TRAIN_GRAPH', found: 'GRAPH_TARGET' },
    ],
    [
      'reads shorter texts',
      { task: { ...TUNING, tokens: 17 } },
      { code: 'ROOM_TRAIN_GRAPH', found: 'GGUF_UNSUPPORTED' },
    ],
    [
      'has words that it does not know',
      { model: letterModel({ bytes: encodeGguf(letterFile(12)) }) },
      { code: 'ROOM_TRAIN_GRAPH' },
    ],
    [
      'has a tokenizer that may fail at a text',
      { model: letterModel({ bytes: encodeGguf(letterFile(11, 't5')) }) },
      { code: 'ROOM_TRAIN_GRAPH' },
    ],
    ['has no words', { model: letterModel({ bytes: encodeGguf(tinyGpt2()) }) }, { code: 'ROOM_TRAIN_GRAPH' }],
    [
      'puts before a text what it does not know',
      {
        model: letterModel({
          openTokenizer: () =>
            Promise.resolve({ tokenize: () => [], begin: 11, close: () => Promise.resolve() }),
        }),
      },
      { code: 'ROOM_TRAIN_GRAPH' },
    ],
    [
      'makes more than was agreed',
      { parts: new Map([['model', 100]]) },
      { code: 'ROOM_TRAIN_TOO_LARGE', expected: 'at most 100 bytes' },
    ],
    ['makes no predictions', { parts: new Map([['predictions', 100]]) }, { code: 'ROOM_TRAIN_SETTINGS' }],
    ['is cancelled', { signal: AbortSignal.abort() }, { code: 'ROOM_TRAIN_CANCELLED' }],
  ])('is refused when it %s', async (_, over, refusal) => {
    await expect(runFinetune(runOf(over))).rejects.toMatchObject(refusal)
  })

  function gpt2(): FinetuneRun['model'] {
    const file = tinyGpt2()
    const tokenizer = [...letterFile().metadata].filter(([key]) => key.startsWith('tokenizer.'))
    const metadata = new Map([...file.metadata, ...tokenizer])
    return letterModel({ bytes: encodeGguf({ ...file, metadata }) })
  }

  it.each<[string, TextSource, object]>([
    ['not there', textsOf('other', RHYMES), { code: 'ROOM_TRAIN_SETTINGS' }],
    ['nothing', textsOf('rhymes', ['', '']), { code: 'ROOM_TRAIN_EMPTY' }],
    ['no UTF-8', textsOf('rhymes', [...RHYMES, BAD_UTF8]), { code: 'ROOM_TRAIN_TEXT' }],
    ['larger than any run', { ...RHYMES_TEXT, size: 2 ** 27 + 1 }, { code: 'ROOM_TRAIN_TOO_LARGE' }],
  ])('is not tuned on texts that are %s', async (_, source, refusal) => {
    const asked = runFinetune(runOf({}, [source]))
    await expect(asked).rejects.toMatchObject(refusal)
    await expect(asked).rejects.not.toThrow(/abcd/)
  })
})

describe('a model that is tuned with a guarantee', () => {
  it('moves by noise as well, follows from its secret and shows no loss', async () => {
    const shown: TrainingProgress[] = []
    const run = runOf({ task: PRIVATE_TUNING, onProgress: (one) => void shown.push(one) })
    const [one, again] = [await runFinetune(run), await runFinetune(run)]
    expect(bytesOf(again).equals(bytesOf(one))).toBe(true)
    expect(shown.at(-1)).toEqual({ done: 12, of: 12 })
    expect(bytesOf(await runFinetune(runOf())).equals(bytesOf(one))).toBe(false)
  })

  it('is not refused for what one text is', async () => {
    const tokenizer = await letterModel().openTokenizer()
    const failing = letterModel({
      openTokenizer: () =>
        Promise.resolve({
          ...tokenizer,
          tokenize: (text) => {
            if (text.includes('h')) throw new Error(text)
            return tokenizer.tokenize(text)
          },
        }),
    })
    for (const texts of [[], ['', ''], [BAD_UTF8, 'h'.repeat(16 * 1024 * 1024 + 1), ...RHYMES]]) {
      const sources = [textsOf('rhymes', texts)]
      const { figures } = await runFinetune(runOf({ task: PRIVATE_TUNING, model: failing }, sources))
      expect(figures.steps).toBe(12)
    }
  })

  it('is refused exact noise on more than it can be made for', async () => {
    const privacy = { ...PRIVATE_TUNING.privacy!, noise: 'discrete', sampleRateNanos: 1_000_000_000 } as const
    const lora = { ...TUNING.lora, rank: 256 }
    await expect(runFinetune(runOf({ task: { ...PRIVATE_TUNING, privacy, lora } }))).rejects.toMatchObject({
      code: 'ROOM_TRAIN_PRIVACY',
      expected: 'at most 10000 parameters',
    })
  })

  it('is measured with texts apart, exactly', async () => {
    const task: FinetuneTask = { ...PRIVATE_TUNING, validation: { texts: ['apart'] }, metrics: ['loss'] }
    const sources = [RHYMES_TEXT, textsOf('apart', RHYMES.slice(0, 4))]
    const result = await runFinetune(runOf({ task, parts: new Map([['metrics', 1000]]) }, sources))
    expect(parseMetrics(bytesOf(result, 'metrics')).metrics[0]!.baseMicros).toBeGreaterThan(1_000_000)
  })
})

describe('what is known of a fine-tuning before there is a model', () => {
  it('is whether its settings keep the guarantee', () => {
    expect(() => requireFinetune(PRIVATE_TUNING)).not.toThrow()
    const privacy = { ...PRIVATE_TUNING.privacy!, noise: 'discrete' } as const
    expect(() => requireFinetune({ ...PRIVATE_TUNING, privacy })).toThrow(
      expect.objectContaining({ code: 'ROOM_TRAIN_PRIVACY' }),
    )
    const descent = { ...TUNING.descent, stopEarly: { every: 1, patience: 1 } }
    const validation = { splitNanos: 1 }
    expect(() => requireFinetune({ ...PRIVATE_TUNING, descent, validation })).toThrow(
      expect.objectContaining({ code: 'ROOM_TRAIN_PRIVACY' }),
    )
  })

  it('is how many windows are read at once', () => {
    expect(windowsAtOnce(TUNING)).toBe(8)
    expect(windowsAtOnce(PRIVATE_TUNING)).toBe(4)
    expect(windowsAtOnce({ ...TUNING, tokens: 4096 })).toBe(1)
    expect(windowsAtOnce({ ...TUNING, descent: { ...TUNING.descent, batch: 3 } })).toBe(3)
  })
})
