import { z } from 'zod'
import type { TranscribeParams } from '../../engines/types.ts'
import { ApiError, unsupported } from '../openai/errors.ts'
import { check } from '../openai/body.ts'
import { fieldNotes } from '../openai/fields.ts'
import { joinStrategy, readStrategy } from './chunking.ts'
import { singleFields, transcriptionFields } from './fields.ts'

/** Formats a transcript can be asked for. */
export type TranscriptFormat = 'json' | 'text' | 'srt' | 'vtt' | 'verbose_json'

/** What the fields of a transcription form ask for. */
export interface TranscriptionOptions {
  model: string | undefined
  format: TranscriptFormat
  stream: boolean
  words: boolean
  segments: boolean
  logprobs: boolean
  params: TranscribeParams
}

const schema = z.object(singleFields)

/** Words likely to occur, at most. */
const MAX_HOTWORDS = 256

const GRANULARITIES = new Set(['word', 'segment'])

/**
 * Checks the text fields of a transcription or translation form.
 * @throws `API_INVALID`, `API_UNSUPPORTED` naming the field
 */
export function readOptions(
  fields: ReadonlyMap<string, readonly string[]>,
  task: 'transcribe' | 'translate',
): TranscriptionOptions {
  const single = check(schema, Object.fromEntries([...fields].map(([name, values]) => [name, values.at(-1)])))
  const strategy = joinStrategy(fields)
  for (const [name, { state, note }] of fieldNotes(transcriptionFields))
    if (state === 'refused' && values(fields, name).length > 0) throw unsupported(name, note)
  const hotwords = readHotwords(single.hotwords, values(fields, 'keywords'))
  const format = single.response_format
  const granularities = values(fields, 'timestamp_granularities')
  for (const value of granularities) {
    if (!GRANULARITIES.has(value))
      throw new ApiError(
        'API_INVALID',
        'timestamp_granularities is word or segment',
        'timestamp_granularities',
      )
  }
  if (granularities.length > 0 && format !== 'verbose_json') {
    throw new ApiError(
      'API_INVALID',
      'timestamp_granularities needs response_format verbose_json',
      'timestamp_granularities',
    )
  }
  const include = values(fields, 'include')
  for (const value of include)
    if (value !== 'logprobs') throw unsupported('include', 'only logprobs can be included')
  const logprobs = include.includes('logprobs')
  if (logprobs && format !== 'json')
    throw new ApiError('API_INVALID', 'include[]=logprobs needs response_format json', 'include')
  if (single.stream && format !== 'json' && format !== 'text') {
    throw new ApiError('API_INVALID', 'a streamed transcript is json or text', 'response_format')
  }
  const words = granularities.includes('word')
  return {
    model: single.model,
    format,
    stream: single.stream,
    words,
    segments: granularities.length === 0 || granularities.includes('segment'),
    logprobs,
    params: {
      task,
      ...(single.language !== undefined && { language: single.language.toLowerCase() }),
      ...(single.prompt && { prompt: single.prompt }),
      ...(hotwords.length > 0 && { hotwords }),
      ...(single.temperature !== undefined && { temperatures: [single.temperature] }),
      ...(single.stream && { early: true }),
      ...(strategy !== undefined && { voiceActivity: readStrategy(strategy) }),
      ...(words && { wordTimestamps: true }),
      ...(logprobs && { logprobs: true }),
    },
  }
}

/** `hotwords` (with commas between them) and OpenAI's `keywords[]`. @throws `API_INVALID` */
function readHotwords(list: string | undefined, keywords: readonly string[]): string[] {
  const words = [...(list?.split(',') ?? []), ...keywords].map((word) => word.trim()).filter(Boolean)
  const isFine = words.length <= MAX_HOTWORDS && words.every(({ length }) => length <= 128)
  if (!isFine)
    throw new ApiError('API_INVALID', `at most ${MAX_HOTWORDS} words of 128 characters`, 'keywords')
  return words
}

/** Values of a list field, which clients name with and without brackets. */
function values(fields: ReadonlyMap<string, readonly string[]>, name: string): readonly string[] {
  return [...(fields.get(name) ?? []), ...(fields.get(`${name}[]`) ?? [])]
}
