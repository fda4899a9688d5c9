import { engineError } from '../errors.ts'
import type { TextTokenizer } from '../tokenizer/index.ts'

/** Seconds from one timestamp token to the next. */
export const SECONDS_PER_STAMP = 0.02
/** Frames of 10 ms for one place of the encoder's output, and for one timestamp token. */
export const FRAMES_PER_STAMP = 2

/** What a Whisper model says of itself in `config.json` and `generation_config.json`. */
export interface WhisperConfig {
  readonly mels: number
  /** Frames of one window: 3000 for every published model. */
  readonly windowFrames: number
  /** Tokens of prompt and answer together. */
  readonly maxTokens: number
  readonly layers: number
  readonly heads: number
  readonly medianFilterWidth: number
  readonly startToken: number
  readonly endToken: number
  /** Absent in models that only know English. */
  readonly languages?: ReadonlyMap<string, number>
  readonly tasks?: { readonly transcribe: number; readonly translate: number }
  /** `<|startofprev|>`; absent in models that cannot be prompted. */
  readonly previousToken?: number
  readonly noTimestampsToken: number
  readonly noSpeechToken: number
  /** `<|0.00|>`; all above are timestamps. */
  readonly firstStamp: number
  /** The first timestamp of a window lies at most this many stamps in. */
  readonly maxInitialStamp?: number
  readonly suppress: readonly number[]
  readonly suppressAtBegin: readonly number[]
  /** Layer and head pairs whose attention follows the time. */
  readonly alignmentHeads?: readonly (readonly [number, number])[]
}

type Json = Readonly<Record<string, unknown>>

/**
 * Reads the configuration of a Whisper model; its owner controls all of it.
 *
 * @throws `ENGINE_MODEL_INVALID` for values that are missing or out of bounds
 */
export function parseWhisperConfig(config: Json, generation: Json, tokenizer: TextTokenizer): WhisperConfig {
  const size = (name: string, most: number): number => {
    const value = config[name]
    if (!isId(value) || value === 0 || value > most) throw invalid(name)
    return value
  }
  const token = (name: string): number => {
    const value = generation[name] ?? config[name]
    if (!isId(value)) throw invalid(name)
    return value
  }
  const list = (name: string): number[] => {
    const value = generation[name] ?? config[name] ?? []
    if (!Array.isArray(value) || value.length > 4096 || !value.every(isId)) throw invalid(name)
    return value
  }
  const end = generation['eos_token_id'] ?? config['eos_token_id']
  const endToken = Array.isArray(end) ? end[0] : end
  if (!isId(endToken)) throw invalid('eos_token_id')
  const noTimestampsToken =
    generation['no_timestamps_token_id'] === undefined
      ? tokenizer.idOf('<|notimestamps|>')
      : token('no_timestamps_token_id')
  if (noTimestampsToken === undefined || noTimestampsToken === 0) throw invalid('no_timestamps_token_id')
  const previousToken = generation['prev_sot_token_id'] ?? tokenizer.idOf('<|startofprev|>')
  const initial = generation['max_initial_timestamp_index']
  const median = config['median_filter_width'] ?? 7
  if (!isId(median) || median % 2 === 0 || median > 99) throw invalid('median_filter_width')
  const languages = languagesOf(generation)
  const tasks = tasksOf(generation)
  const alignmentHeads = alignmentOf(generation)
  return {
    mels: size('num_mel_bins', 256),
    windowFrames: FRAMES_PER_STAMP * size('max_source_positions', 6000),
    maxTokens: size('max_target_positions', 4096),
    layers: size('decoder_layers', 256),
    heads: size('decoder_attention_heads', 256),
    medianFilterWidth: median,
    startToken: token('decoder_start_token_id'),
    endToken,
    ...(languages && tasks && { languages, tasks }),
    ...(isId(previousToken) && { previousToken }),
    noTimestampsToken,
    noSpeechToken: noTimestampsToken - 1,
    firstStamp: noTimestampsToken + 1,
    ...(isId(initial) && { maxInitialStamp: initial }),
    suppress: list('suppress_tokens'),
    suppressAtBegin: list('begin_suppress_tokens'),
    ...(alignmentHeads && { alignmentHeads }),
  }
}

/** `{"<|en|>": 50259}` as `en` to 50259. */
function languagesOf(generation: Json): Map<string, number> | undefined {
  const value = generation['lang_to_id']
  if (generation['is_multilingual'] === false || value === undefined) return undefined
  if (!isObject(value)) throw invalid('lang_to_id')
  const languages = new Map<string, number>()
  for (const [name, id] of Object.entries(value)) {
    const code = /^<\|([a-z]{2,3})\|>$/.exec(name)?.[1]
    if (code === undefined || !isId(id)) throw invalid('lang_to_id')
    languages.set(code, id)
  }
  if (languages.size === 0) throw invalid('lang_to_id')
  return languages
}

function tasksOf(generation: Json): { transcribe: number; translate: number } | undefined {
  const value = generation['task_to_id']
  if (value === undefined) return undefined
  if (!isObject(value)) throw invalid('task_to_id')
  const { transcribe, translate } = value
  if (!isId(transcribe) || !isId(translate)) throw invalid('task_to_id')
  return { transcribe, translate }
}

function alignmentOf(generation: Json): [number, number][] | undefined {
  const value = generation['alignment_heads']
  if (value === undefined || value === null) return undefined
  const isPair = (pair: unknown): pair is [number, number] =>
    Array.isArray(pair) && pair.length === 2 && pair.every(isId)
  if (!Array.isArray(value) || value.length > 4096 || !value.every(isPair)) throw invalid('alignment_heads')
  return value
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(name: string): Error {
  return engineError(
    'ENGINE_MODEL_INVALID',
    'configuration of the speech model has a value that cannot be used',
    {
      found: name,
    },
  )
}
