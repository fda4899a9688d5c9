import { deflateSync } from 'node:zlib'
import { engineError } from '../errors.ts'
import { drawWith, MAX_BEAMS, seededRandom } from '../seq2seq/index.ts'
import type {
  TokenLogprob,
  TranscribeParams,
  TranscriptEvent,
  TranscriptSegment,
  TranscriptWord,
} from '../types.ts'
import { alignTokens, canAlign } from './align-words.ts'
import type { CutSegment } from './cut-segments.ts'
import type { AudioFeatures } from './feature-source.ts'
import type { WhisperModel } from './model.ts'
import { splitWords } from './split-words.ts'
import { type WalkedWindow, type WalkOptions, walkWindows } from './walk-windows.ts'

/** Tried in order where the caller names none (openai/whisper). */
const TEMPERATURES = [0, 0.2, 0.4, 0.6, 0.8, 1]
/** Temperatures of one request at most. */
const MAX_TEMPERATURES = 16
/** UTF-16 units of a prompt that are looked at, from its end; the decoder takes some 220 tokens. */
const MAX_PROMPT_LENGTH = 8000

/**
 * Transcribes a recording: a delta and a segment for each stretch of speech as soon as its window is decoded.
 * The client controls audio and parameters. The same request gives the same text: draws come from a fixed seed.
 *
 * @throws `ENGINE_INPUT` for parameters out of range or an unknown language, `ENGINE_UNSUPPORTED` for word
 *   timestamps from an export without cross attentions and for translation by an English-only model
 */
export async function* transcribe(
  model: WhisperModel,
  audio: AudioFeatures,
  params: TranscribeParams,
  signal: AbortSignal,
): AsyncGenerator<TranscriptEvent, void> {
  const options = optionsOf(model, params, signal)
  let text = ''
  let language = params.language ?? 'en'
  let id = 0
  let inputTokens = 0
  let outputTokens = 0
  for await (const window of walkWindows(model, audio, options)) {
    language = window.language
    inputTokens += window.previous.length + window.start.length
    outputTokens += window.decoded.logprobs.length
    const said = window.segments
      .map((cut) => segmentOf(model, window, cut, params))
      .filter(({ text }) => text.trim())
    const words = params.wordTimestamps ? await wordsOf(model, window, said) : undefined
    for (const [i, segment] of said.entries()) {
      const delta = text === '' ? segment.text.trimStart() : segment.text
      text += delta
      yield { type: 'delta', text: delta }
      yield { type: 'segment', segment: { ...segment, id: id++, ...(words && { words: words[i]! }) } }
    }
  }
  const usage = { inputTokens, outputTokens }
  yield { type: 'done', text, language, durationSeconds: audio.seconds, usage }
}

function optionsOf(model: WhisperModel, params: TranscribeParams, signal: AbortSignal): WalkOptions {
  const temperatures = params.temperatures ?? TEMPERATURES
  const inRange = temperatures.every((temperature) => temperature >= 0 && temperature <= 2)
  if (temperatures.length === 0 || temperatures.length > MAX_TEMPERATURES || !inRange)
    throw engineError('ENGINE_INPUT', 'temperature is out of range', {
      expected: `1 to ${MAX_TEMPERATURES} values in 0..2`,
    })
  const beams = params.beams ?? 1
  if (!Number.isSafeInteger(beams) || beams < 1 || beams > MAX_BEAMS)
    throw engineError('ENGINE_INPUT', 'beams is out of range', { expected: `1..${MAX_BEAMS}` })
  if (params.wordTimestamps && !canAlign(model.decoder.first))
    throw engineError('ENGINE_UNSUPPORTED', 'this export of the model cannot time words', {
      expected: 'timestamp_granularities without word, or an export with the outputs cross_attentions.N',
    })
  const random = seededRandom(0)
  return {
    ...(params.language !== undefined && { language: params.language }),
    task: params.task ?? 'transcribe',
    prompt: tokensOf(model, params.prompt ?? ''),
    hotwords: tokensOf(model, params.hotwords?.join(' ') ?? ''),
    conditionOnPreviousText: params.conditionOnPreviousText ?? true,
    temperatures,
    beams,
    thresholds: {
      compressionRatio: params.compressionRatioThreshold ?? 2.4,
      logprob: params.logprobThreshold ?? -1,
      noSpeech: params.noSpeechThreshold ?? 0.6,
    },
    draw: (temperature) => drawWith({ temperature, random }),
    compressionRatio: (tokens) => compressionRatio(textOf(model, tokens)),
    signal,
  }
}

/** Tokens of text that conditions the decoder; a special token written out in it is not one. */
function tokensOf({ tokenizer, config }: WhisperModel, text: string): number[] {
  const trimmed = text.slice(-MAX_PROMPT_LENGTH).toWellFormed().trim()
  if (trimmed === '') return []
  return tokenizer.encode(` ${trimmed}`, { special: false }).filter((token) => token < config.endToken)
}

function textOf({ tokenizer, config }: WhisperModel, tokens: readonly number[]): string {
  return tokenizer.decode(tokens.filter((token) => token < config.endToken))
}

/** Bytes of a text over bytes of its deflate form: above 2.4 it mostly repeats itself. 0 for no text. */
export function compressionRatio(text: string): number {
  const bytes = Buffer.from(text, 'utf8')
  return bytes.length / deflateSync(bytes).length
}

function segmentOf(
  model: WhisperModel,
  { seek, decoded }: WalkedWindow,
  { start, end, tokens, offset }: CutSegment,
  params: TranscribeParams,
): TranscriptSegment {
  const logprobs = tokens.flatMap((token, i): TokenLogprob[] =>
    token < model.config.endToken
      ? [{ token, text: model.tokenizer.decode([token]), logprob: decoded.logprobs[offset + i]! }]
      : [],
  )
  return {
    id: 0,
    seek,
    start: hundredths(start),
    end: hundredths(end),
    text: textOf(model, tokens),
    tokens,
    temperature: decoded.temperature,
    avgLogprob: decoded.averageLogprob,
    compressionRatio: decoded.compressionRatio,
    noSpeechProb: decoded.noSpeechProbability,
    ...(params.logprobs && { logprobs }),
  }
}

/** The words of each segment of a window. */
async function wordsOf(
  model: WhisperModel,
  window: WalkedWindow,
  segments: readonly TranscriptSegment[],
): Promise<TranscriptWord[][]> {
  const texts = segments.map(({ tokens }) => tokens.filter((token) => token < model.config.endToken))
  if (texts.length === 0) return []
  const { encoded, start, frames, seek, language } = window
  const { times, logprobs } = await alignTokens(model, encoded, texts.flat(), start, frames)
  const seconds = (at: number): number => hundredths(seek / 100 + (times[at] ?? times.at(-1) ?? 0))
  let at = 0
  return texts.map((tokens) =>
    splitWords(tokens, language, model.tokenizer).map(({ text, tokens: count }) => {
      const from = at
      at += count
      const mean = logprobs.slice(from, at).reduce((sum, p) => sum + p, 0) / count
      return { word: text, start: seconds(from), end: seconds(at), probability: Math.exp(mean) }
    }),
  )
}

function hundredths(seconds: number): number {
  return Math.round(seconds * 100) / 100
}
