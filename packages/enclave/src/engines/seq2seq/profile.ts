import { engineError } from '../errors.ts'
import type { SummarizeRequest } from '../types.ts'
import { type GenerationSettings, MAX_BEAMS, MAX_GENERATED_TOKENS } from './settings.ts'

/** Tokens that an English word takes on average, for bounds given in words. */
const TOKENS_PER_WORD = 4 / 3
/** Input tokens of one piece for T5, which was trained on 512. */
const T5_CHUNK_TOKENS = 500
/** Room for the special tokens around a piece. */
const SPECIAL_TOKENS = 8

/** How one family of models summarises. */
export interface SummaryProfile {
  /** Goes before every piece. */
  readonly prefix: string
  /** Input tokens of one piece at most, the prefix not counted. */
  readonly chunkTokens: number
  /** Tokens the decoder has places for. */
  readonly maxTokens: number
  readonly settings: GenerationSettings
}

/**
 * The settings a model summarises with. T5: pieces of 500 tokens, 8 beams, 30-60 tokens each, no pair of tokens
 * twice. BART: as much as its positions hold, beams, 50-230 tokens. Any other model: what its own files say.
 *
 * @param config the model's `config.json`
 * @param own settings of the model's files
 */
export function summaryProfile(
  config: Readonly<Record<string, unknown>>,
  own: GenerationSettings,
): SummaryProfile {
  const kind = String(config['model_type'] ?? '')
  const positions = positionsOf(config)
  if (kind.endsWith('t5'))
    return {
      prefix: prefixOf(config) ?? 'summarize: ',
      chunkTokens: T5_CHUNK_TOKENS,
      maxTokens: MAX_GENERATED_TOKENS,
      settings: {
        ...own,
        numBeams: 8,
        minLength: 30,
        maxLength: 60,
        noRepeatNgramSize: 2,
        earlyStopping: true,
      },
    }
  const chunkTokens = Math.max(SPECIAL_TOKENS, (positions ?? 1024) - SPECIAL_TOKENS)
  const maxTokens = Math.min(MAX_GENERATED_TOKENS, positions ?? Infinity)
  const settings = { ...own, maxLength: Math.min(own.maxLength, maxTokens) }
  const prefix = prefixOf(config) ?? ''
  if (!kind.endsWith('bart')) return { prefix, chunkTokens, maxTokens, settings }
  const maxLength = Math.min(230, maxTokens)
  return {
    prefix,
    chunkTokens,
    maxTokens,
    settings: {
      ...settings,
      numBeams: Math.max(4, own.numBeams),
      minLength: Math.min(50, maxLength),
      maxLength,
    },
  }
}

/**
 * The settings for one of `pieces` pieces of a request: its bounds hold for the whole summary, so each piece gets
 * its share. The client controls the request.
 *
 * @throws `ENGINE_INPUT` for bounds that contradict each other or are out of range
 */
export function requestSettings(
  { settings, maxTokens }: SummaryProfile,
  request: SummarizeRequest,
  pieces: number,
): GenerationSettings {
  const { minWords, maxWords, minTokens, maxTokens: mostTokens, noRepeatNgram, beams, sampling } = request
  for (const tokens of [minTokens, mostTokens, noRepeatNgram])
    if (
      tokens !== undefined &&
      !(Number.isSafeInteger(tokens) && tokens >= 0 && tokens <= MAX_GENERATED_TOKENS)
    )
      throw engineError('ENGINE_INPUT', 'bound in tokens is out of range', {
        expected: `0..${MAX_GENERATED_TOKENS}`,
      })
  const isInTokens = minTokens !== undefined || mostTokens !== undefined
  if (isInTokens && (minWords !== undefined || maxWords !== undefined))
    throw engineError('ENGINE_INPUT', 'bounds are in words or in tokens')
  if (minWords !== undefined && maxWords !== undefined && minWords > maxWords)
    throw engineError('ENGINE_INPUT', 'minWords is above maxWords', { found: `${minWords} > ${maxWords}` })
  if (beams !== undefined && (!Number.isSafeInteger(beams) || beams < 1 || beams > MAX_BEAMS))
    throw engineError('ENGINE_INPUT', 'beams is out of range', { expected: `1..${MAX_BEAMS}` })
  const share = (words: number): number => {
    if (!(words >= 0 && words <= MAX_GENERATED_TOKENS))
      throw engineError('ENGINE_INPUT', 'bound in words is out of range', {
        expected: `0..${MAX_GENERATED_TOKENS}`,
      })
    return Math.ceil((words * TOKENS_PER_WORD) / pieces)
  }
  // Two more than the words take: start and end token.
  const most = (tokens: number): number => Math.min(tokens + 2, maxTokens)
  const least = minTokens ?? (minWords === undefined ? settings.minLength : share(minWords))
  const isLeastGiven = minTokens !== undefined || minWords !== undefined
  const given = mostTokens ?? (maxWords === undefined ? undefined : share(maxWords))
  const maxLength =
    given === undefined ? Math.max(settings.maxLength, most(isLeastGiven ? least : 0)) : most(given)
  const drawn = sampling !== undefined && (sampling.temperature ?? 1) > 0
  return {
    ...settings,
    maxLength,
    minLength: Math.min(least, maxLength - 1),
    numBeams: beams ?? (drawn ? 1 : settings.numBeams),
    noRepeatNgramSize: noRepeatNgram ?? settings.noRepeatNgramSize,
  }
}

function positionsOf(config: Readonly<Record<string, unknown>>): number | undefined {
  const value = config['max_position_embeddings']
  return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : undefined
}

function prefixOf(config: Readonly<Record<string, unknown>>): string | undefined {
  const tasks = config['task_specific_params'] as { summarization?: { prefix?: unknown } } | null | undefined
  const prefix = tasks?.summarization?.prefix ?? config['prefix']
  return typeof prefix === 'string' && prefix.length <= 100 ? prefix : undefined
}
