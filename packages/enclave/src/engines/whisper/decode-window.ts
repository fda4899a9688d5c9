import {
  createGraphDecoder,
  type DecoderGraphs,
  type Encoded,
  type Generated,
  generate,
  type GenerationSettings,
  logSoftmax,
  type Pick,
  type Processor,
  suppress,
  suppressAt,
} from '../seq2seq/index.ts'
import type { WhisperConfig } from './config.ts'
import { timestampRules } from './timestamp-rules.ts'

/** At this temperature and above, what was decoded does not condition what follows. */
const WILD_TEMPERATURE = 0.5

/** Limits that a decoded window must keep; `undefined` does not look. */
export interface Thresholds {
  readonly compressionRatio?: number | undefined
  readonly logprob?: number | undefined
  readonly noSpeech?: number | undefined
}

/** How a window is decoded. */
export interface DecodeOptions {
  /** What stands before the start token: `<|startofprev|>` and earlier text, or nothing. */
  readonly previous: readonly number[]
  /** Start, language, task and, without timestamps, `<|notimestamps|>`. */
  readonly start: readonly number[]
  readonly timestamps: boolean
  /** Tried in order until the thresholds hold. */
  readonly temperatures: readonly number[]
  readonly beams: number
  /** With beams; default 1. */
  readonly lengthPenalty?: number
  readonly thresholds: Thresholds
  /** Draws at a temperature above 0. */
  readonly draw: (temperature: number) => Pick
  /** Compression ratio of what was decoded, the end token included. */
  readonly compressionRatio: (tokens: readonly number[]) => number
  readonly signal?: AbortSignal
}

/** What one window says. */
export interface DecodedWindow {
  /** Without prompt and end token. */
  readonly tokens: readonly number[]
  /** Natural-log probability of each token, and of the end where there was one. */
  readonly logprobs: readonly number[]
  readonly averageLogprob: number
  readonly compressionRatio: number
  readonly noSpeechProbability: number
  readonly temperature: number
  /** Silence by the thresholds: the tokens mean nothing. */
  readonly silent: boolean
  /** Whether what was decoded is sure enough to condition what follows. */
  readonly calm: boolean
}

/** Decodes one encoded window, with higher temperatures where the thresholds do not hold. */
export async function decodeWindow(
  graphs: DecoderGraphs,
  encoded: Encoded,
  config: WhisperConfig,
  options: DecodeOptions,
): Promise<DecodedWindow> {
  let result: DecodedWindow | undefined
  for (const temperature of options.temperatures) {
    result = await decodeOnce(graphs, encoded, config, options, temperature)
    if (!failed(result, options.thresholds)) break
  }
  if (!result) throw new RangeError('no temperature to decode with')
  return result
}

async function decodeOnce(
  graphs: DecoderGraphs,
  encoded: Encoded,
  config: WhisperConfig,
  options: DecodeOptions,
  temperature: number,
): Promise<DecodedWindow> {
  const prompt = [...options.previous, ...options.start]
  let noSpeechProbability = 0
  const made: Generated = await generate(
    createGraphDecoder(graphs, encoded),
    settingsOf(config, options, temperature),
    {
      prompt,
      logprobs: true,
      processors: processorsOf(config, options.timestamps, prompt.length),
      onFirstStep: (step) => {
        const scores = logSoftmax(step.scoresAt(options.previous.length))
        noSpeechProbability = Math.exp(scores[config.noSpeechToken]!)
      },
      ...(temperature > 0 && { pick: options.draw(temperature) }),
      ...(options.signal && { signal: options.signal }),
    },
  )
  const said = made.tokens.slice(prompt.length)
  const averageLogprob =
    made.logprobs.length === 0 ? 0 : made.logprobs.reduce((sum, p) => sum + p, 0) / made.logprobs.length
  const { logprob, noSpeech } = options.thresholds
  return {
    tokens: said.at(-1) === config.endToken ? said.slice(0, -1) : said,
    logprobs: made.logprobs,
    averageLogprob,
    compressionRatio: options.compressionRatio(said),
    noSpeechProbability,
    temperature,
    silent:
      noSpeech !== undefined &&
      logprob !== undefined &&
      averageLogprob < logprob &&
      noSpeechProbability > noSpeech,
    calm: temperature < WILD_TEMPERATURE,
  }
}

function failed(window: DecodedWindow, { compressionRatio, logprob }: Thresholds): boolean {
  if (window.silent) return false
  return (
    (compressionRatio !== undefined && window.compressionRatio > compressionRatio) ||
    (logprob !== undefined && window.averageLogprob < logprob)
  )
}

function processorsOf(config: WhisperConfig, timestamps: boolean, begin: number): Processor[] {
  const processors = [suppressAt(begin, config.suppressAtBegin), suppress(config.suppress)]
  if (timestamps) processors.push(timestampRules(config, begin))
  return processors
}

function settingsOf(config: WhisperConfig, options: DecodeOptions, temperature: number): GenerationSettings {
  return {
    decoderStartTokenId: config.startToken,
    eosTokenIds: [config.endToken],
    padTokenId: config.endToken,
    maxLength: config.maxTokens,
    minLength: 0,
    minNewTokens: 0,
    numBeams: temperature > 0 ? 1 : options.beams,
    earlyStopping: false,
    lengthPenalty: options.lengthPenalty ?? 1,
    noRepeatNgramSize: 0,
    encoderNoRepeatNgramSize: 0,
    repetitionPenalty: 1,
    forcedEosTokenIds: [],
    suppressTokens: [],
    beginSuppressTokens: [],
    badWordsIds: [],
  }
}
