import { engineError } from '../errors.ts'

/** Beams at most. Memory and time grow with them. */
export const MAX_BEAMS = 16
/** Tokens of one generation at most, the start token included. */
export const MAX_GENERATED_TOKENS = 4096
/** Entries of a token list in a model's configuration at most. */
const MAX_LIST = 4096

/**
 * How an encoder-decoder model generates. Names, meanings and defaults are those of `GenerationConfig` of
 * transformers, in camel case.
 */
export interface GenerationSettings {
  readonly decoderStartTokenId: number
  readonly eosTokenIds: readonly number[]
  readonly padTokenId: number
  /** Tokens at most, the start token included. 1..{@link MAX_GENERATED_TOKENS}. */
  readonly maxLength: number
  readonly minLength: number
  readonly minNewTokens: number
  /** 1..{@link MAX_BEAMS}; 1 is greedy. */
  readonly numBeams: number
  readonly earlyStopping: boolean | 'never'
  readonly lengthPenalty: number
  readonly noRepeatNgramSize: number
  readonly encoderNoRepeatNgramSize: number
  readonly repetitionPenalty: number
  readonly forcedBosTokenId?: number
  readonly forcedEosTokenIds: readonly number[]
  readonly suppressTokens: readonly number[]
  readonly beginSuppressTokens: readonly number[]
  readonly badWordsIds: readonly (readonly number[])[]
}

/**
 * Settings of a model from its `generation_config.json`, or from `config.json` where that one is silent.
 * The model's owner controls both.
 *
 * @throws `ENGINE_MODEL_INVALID` where a value has the wrong type or is out of bounds
 */
export function parseGenerationConfig(
  generation: Readonly<Record<string, unknown>>,
  config: Readonly<Record<string, unknown>> = {},
): GenerationSettings {
  const read = (name: string): unknown => generation[name] ?? config[name] ?? undefined
  const integer = (name: string, fallback: number, most: number = MAX_GENERATED_TOKENS): number => {
    const value = read(name) ?? fallback
    if (!isId(value) || value > most) throw invalid(name)
    return value
  }
  const number = (name: string): number => {
    const value = read(name) ?? 1
    if (typeof value !== 'number' || !Number.isFinite(value)) throw invalid(name)
    return value
  }
  const ids = (name: string): number[] => {
    const value = read(name) ?? []
    const list: unknown[] = Array.isArray(value) ? value : [value]
    if (list.length > MAX_LIST || !list.every(isId)) throw invalid(name)
    return list
  }
  const early = read('early_stopping') ?? false
  if (typeof early !== 'boolean' && early !== 'never') throw invalid('early_stopping')
  const bad = read('bad_words_ids') ?? []
  if (!isListOfLists(bad)) throw invalid('bad_words_ids')
  const start = read('decoder_start_token_id') ?? read('bos_token_id')
  if (!isId(start)) throw invalid('decoder_start_token_id')
  const eosTokenIds = ids('eos_token_id')
  const forcedBos = read('forced_bos_token_id')
  if (forcedBos !== undefined && !isId(forcedBos)) throw invalid('forced_bos_token_id')
  return {
    decoderStartTokenId: start,
    eosTokenIds,
    padTokenId: integer('pad_token_id', eosTokenIds[0] ?? 0, Number.MAX_SAFE_INTEGER),
    maxLength: Math.max(1, integer('max_length', 20)),
    minLength: integer('min_length', 0),
    minNewTokens: integer('min_new_tokens', 0),
    numBeams: Math.max(1, integer('num_beams', 1, MAX_BEAMS)),
    earlyStopping: early,
    lengthPenalty: number('length_penalty'),
    noRepeatNgramSize: integer('no_repeat_ngram_size', 0),
    encoderNoRepeatNgramSize: integer('encoder_no_repeat_ngram_size', 0),
    repetitionPenalty: number('repetition_penalty'),
    ...(forcedBos !== undefined && { forcedBosTokenId: forcedBos }),
    forcedEosTokenIds: ids('forced_eos_token_id'),
    suppressTokens: ids('suppress_tokens'),
    beginSuppressTokens: ids('begin_suppress_tokens'),
    badWordsIds: bad,
  }
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isListOfLists(value: unknown): value is number[][] {
  return (
    Array.isArray(value) &&
    value.length <= MAX_LIST &&
    value.every((ids) => Array.isArray(ids) && ids.length > 0 && ids.length <= MAX_LIST && ids.every(isId))
  )
}

function invalid(name: string): Error {
  return engineError('ENGINE_MODEL_INVALID', 'generation configuration has a value that cannot be used', {
    found: name,
  })
}
