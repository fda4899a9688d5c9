import { concat, utf8 } from '@sotto/protocol/bytes'
import type { FinetuneTask, TrainPrivacy } from '@sotto/protocol/contract'
import { encodeGguf, encodeScalar, type GgufFile, type GgufValue } from '@sotto/protocol/gguf'
import { itemHeader } from '@sotto/protocol/room'
import { TINY, tinyLlama } from '../../../protocol/test/gguf/tiny-models.ts'
import type { TextSource } from '../../src/train/data/read-texts.ts'
import type { TunedModel } from '../../src/train/task/finetune/index.ts'

/** Items as they are sealed: each behind its length. */
export function itemsOf(texts: readonly (string | Uint8Array)[]): Uint8Array {
  return concat(
    ...texts.flatMap((text) => {
      const bytes = typeof text === 'string' ? utf8(text) : text
      return [itemHeader(bytes.length), bytes]
    }),
  )
}

/** Texts of an input. */
export function textsOf(name: string, texts: readonly (string | Uint8Array)[]): TextSource {
  const bytes = itemsOf(texts)
  return { name, items: texts.length, size: bytes.length, bytes }
}

/** A list of so many words. */
export function wordList(count: number): GgufValue {
  const words = Array.from({ length: count }, (_, at) =>
    encodeScalar({ type: 'string', value: String.fromCharCode(97 + at) }),
  )
  return { type: 'list', of: 'string', count, items: concat(...words) }
}

/** A model of two blocks that knows eight letters, and what stands before and behind a text. */
export function letterFile(words: number = TINY.vocabulary, kind = 'llama'): GgufFile {
  const file = tinyLlama()
  const tokenizer: [string, GgufValue][] = [
    ['tokenizer.ggml.model', { type: 'string', value: kind }],
    ['tokenizer.ggml.tokens', wordList(words)],
  ]
  return { ...file, metadata: new Map([...file.metadata, ...tokenizer]) }
}

/** The same, as a run takes it: its tokenizer has a token for each of the letters from a to h. */
export function letterModel(over: Partial<TunedModel> = {}): TunedModel {
  return {
    bytes: encodeGguf(letterFile()),
    openTokenizer: () =>
      Promise.resolve({
        tokenize: (text) => [...text].map((letter) => (letter.charCodeAt(0) - 97) % 8),
        begin: 8,
        end: 9,
        close: () => Promise.resolve(),
      }),
    ...over,
  }
}

/** Texts that the letter model can learn. */
export const RHYMES: readonly string[] = Array.from({ length: 24 }, (_, at) =>
  ['abcdabcd', 'efghefgh', 'abcdefgh'][at % 3]!.repeat(1 + (at % 2)),
)

/** A few steps beside the attention of the letter model. */
export const TUNING: FinetuneTask = {
  kind: 'finetune',
  model: 'base',
  digest: '00'.repeat(32),
  lora: { rank: 4, alphaMilli: 8000, targets: ['attn_q', 'attn_v', 'ffn_up', 'ffn_down'] },
  texts: ['rhymes'],
  tokens: 12,
  descent: {
    steps: 40,
    batch: 8,
    optimiser: { kind: 'adamw', beta1Micros: 900_000, beta2Micros: 990_000, weightDecayMicros: 0 },
    schedule: { kind: 'linear', rateNanos: 30_000_000, warmupSteps: 4, floorMicros: 100_000 },
  },
  metrics: [],
  show: 'steps',
  limits: { memoryBytes: 2 ** 29, seconds: 60 },
}

const GUARANTEE: TrainPrivacy = {
  sampleRateNanos: 250_000_000,
  noiseMicros: 1_000_000,
  clipMicros: 1_000_000,
  maxRowsPerContributor: 2,
  noise: 'gaussian',
  epsilonMicros: 40_000_000,
  deltaTrillionths: 10_000_000,
}

/** The same with a guarantee for each text. */
export const PRIVATE_TUNING: FinetuneTask = {
  ...TUNING,
  descent: { ...TUNING.descent, steps: 12 },
  privacy: GUARANTEE,
}
