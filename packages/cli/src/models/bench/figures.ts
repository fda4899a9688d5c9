import { errorRate, wordsOf } from '@sotto/client/quality'
import type { SpeechResult, TextResult } from './answer.ts'

/** What is known of a model file before it runs. */
export interface ModelLabel {
  /** As the user named it. */
  readonly file: string
  readonly quantization: string
  /** Bytes of all its files. */
  readonly bytes: number
  /** Bits of the file for each weight; absent for models without a count of weights. */
  readonly bitsPerWeight?: number
}

/** One row of a table of text models. */
export interface TextFigures extends ModelLabel {
  readonly kind: 'text'
  /** Peak of the engine process with this context, Node and the runtime included. */
  readonly memoryBytes: number
  /** Room for a prompt and its answer while it was measured: what was asked for, rounded up by llama.cpp. */
  readonly contextTokens: number
  readonly loadMs: number
  /** Between two tokens of one answer. */
  readonly msPerToken: number
  readonly promptTokensPerSecond: number
  readonly perplexity: number
  /** One standard error of the perplexity, as llama.cpp gives it. */
  readonly perplexityError: number
  /** The text was cut into so many chunks of so many tokens, and these of them were scored. */
  readonly chunks: number
  readonly chunkTokens: number
  readonly scoredTokens: number
}

/** One row of a table of speech models. */
export interface SpeechFigures extends ModelLabel {
  readonly kind: 'speech'
  readonly memoryBytes: number
  readonly loadMs: number
  readonly recordings: number
  readonly audioSeconds: number
  /** Time to transcribe over length of the recording. */
  readonly realTimeFactor: number
  /** Words wrong over words said, without case and punctuation; absent without references. */
  readonly wordErrorRate?: number
  readonly characterErrorRate?: number
}

export type Figures = TextFigures | SpeechFigures

/** Figures of a text model. Perplexity and its error as `llama-perplexity` computes them. */
export function textFigures(label: ModelLabel, result: TextResult): TextFigures {
  const { scored, nats, squaredNats } = result
  const mean = nats / scored
  const perplexity = Math.exp(mean)
  const variance = squaredNats / scored - mean * mean
  return {
    kind: 'text',
    ...label,
    memoryBytes: result.memoryBytes,
    contextTokens: result.contextTokens,
    loadMs: result.loadMs,
    msPerToken: result.generateMs / result.generatedTokens,
    promptTokensPerSecond: (1000 * result.promptTokens) / result.promptMs,
    perplexity,
    perplexityError: perplexity * Math.sqrt(Math.max(0, variance) / (scored - 1)),
    chunks: result.chunks,
    chunkTokens: result.chunkTokens,
    scoredTokens: scored,
  }
}

/** Figures of a speech model. @param references what is said in each recording */
export function speechFigures(
  label: ModelLabel,
  result: SpeechResult,
  references: readonly string[] | undefined,
): SpeechFigures {
  const { recordings } = result
  const audioSeconds = recordings.reduce((sum, one) => sum + one.audioSeconds, 0)
  const computeMs = recordings.reduce((sum, one) => sum + one.computeMs, 0)
  const pairs = references?.map((reference, i) => [wordsOf(recordings[i]!.text), wordsOf(reference)] as const)
  return {
    kind: 'speech',
    ...label,
    memoryBytes: result.memoryBytes,
    loadMs: result.loadMs,
    recordings: recordings.length,
    audioSeconds,
    realTimeFactor: computeMs / 1000 / audioSeconds,
    ...(pairs && {
      wordErrorRate: errorRate(pairs),
      characterErrorRate: errorRate(
        pairs.map(([found, said]) => [[...found.join(' ')], [...said.join(' ')]]),
      ),
    }),
  }
}
