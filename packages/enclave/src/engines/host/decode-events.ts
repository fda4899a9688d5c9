import { engineError } from '../errors.ts'
import { bytesToFloats, type Item } from '../channel/index.ts'
import type {
  EmbedResult,
  EngineInfo,
  EngineOperation,
  Tensor,
  TensorInfo,
  TensorType,
  TextEvent,
  TokenLogprob,
  TokenUsage,
  TranscriptEvent,
  TranscriptSegment,
  TranscriptWord,
} from '../types.ts'

/**
 * Strict decoders of what an engine process sends. A hostile model can make it send anything, so every field is
 * read by name and type, and nothing else passes through to the API. All throw `ENGINE_PROTOCOL`.
 */

type Fields = Readonly<Record<string, unknown>>

const OPERATIONS: readonly EngineOperation[] = [
  'transcribe',
  'generate',
  'summarize',
  'embed',
  'infer',
  'tokenize',
  'score',
]
const TENSOR_TYPES: readonly TensorType[] = [
  'BOOL',
  'UINT8',
  'UINT16',
  'UINT32',
  'UINT64',
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'FP16',
  'FP32',
  'FP64',
  'BYTES',
]
const MAX_LIST = 1_000_000

/** Decodes the capabilities an engine states after loading. */
export function decodeInfo(value: unknown): EngineInfo {
  const f = object(value)
  const operations = list(f['operations'], (name) => oneOf(name, OPERATIONS))
  const concurrency = count(f['concurrency'])
  if (concurrency < 1) throw bad('concurrency is below one')
  return {
    concurrency,
    operations,
    ...(f['contextTokens'] === undefined ? {} : { contextTokens: count(f['contextTokens']) }),
    ...(f['dimensions'] === undefined ? {} : { dimensions: count(f['dimensions']) }),
    ...(f['inputs'] === undefined ? {} : { inputs: list(f['inputs'], tensorInfo) }),
    ...(f['outputs'] === undefined ? {} : { outputs: list(f['outputs'], tensorInfo) }),
  }
}

/** Decodes one event of `transcribe`. */
export function decodeTranscriptEvent(item: Item): TranscriptEvent {
  const f = object(item.json)
  switch (f['type']) {
    case 'delta':
      return { type: 'delta', text: text(f['text']) }
    case 'segment':
      return { type: 'segment', segment: segment(object(f['segment'])) }
    case 'done':
      return {
        type: 'done',
        text: text(f['text']),
        language: text(f['language']),
        durationSeconds: number(f['durationSeconds']),
        usage: usage(f['usage']),
      }
    default:
      throw bad('unknown event of a transcription')
  }
}

/** Decodes one event of `generate` or `summarize`. */
export function decodeTextEvent(item: Item): TextEvent {
  const f = object(item.json)
  if (f['type'] === 'delta') {
    const logprobs = f['logprobs']
    return {
      type: 'delta',
      text: text(f['text']),
      tokens: count(f['tokens']),
      ...(logprobs === undefined ? {} : { logprobs: list(logprobs, logprob) }),
    }
  }
  if (f['type'] !== 'done') throw bad('unknown event of a text operation')
  return {
    type: 'done',
    finishReason: oneOf(f['finishReason'], ['stop', 'length']),
    usage: usage(f['usage']),
  }
}

/** Decodes the answer of `embed`; `expected` vectors were asked for. */
export function decodeEmbedResult(item: Item, expected: number): EmbedResult {
  const f = object(item.json)
  const dimensions = count(f['dimensions'])
  const values = bytesToFloats(item.blobs[0] ?? new Uint8Array(0))
  if (item.blobs.length !== 1 || values.length !== expected * dimensions)
    throw bad('vectors do not match the request')
  const vectors = Array.from({ length: expected }, (_, i) =>
    values.slice(i * dimensions, (i + 1) * dimensions),
  )
  return { vectors, usage: usage(f['usage']) }
}

/** Decodes the answer of `infer`. */
export function decodeTensors(item: Item): Tensor[] {
  const infos = list(object(item.json)['outputs'], tensorInfo)
  if (infos.length !== item.blobs.length) throw bad('tensors do not match their data')
  return infos.map((info, index) => ({ ...info, data: item.blobs[index]! }))
}

/** Decodes the answer of `score`. */
export function decodeScores(item: Item): TokenLogprob[] {
  return list(object(item.json)['scores'], logprob)
}

/** Decodes the answer of `tokenize`. */
export function decodeTokens(item: Item): number[] {
  return list(object(item.json)['tokens'], count)
}

function segment(f: Fields): TranscriptSegment {
  return {
    id: count(f['id']),
    seek: count(f['seek']),
    start: number(f['start']),
    end: number(f['end']),
    text: text(f['text']),
    tokens: list(f['tokens'], count),
    temperature: number(f['temperature']),
    avgLogprob: number(f['avgLogprob']),
    compressionRatio: number(f['compressionRatio']),
    noSpeechProb: number(f['noSpeechProb']),
    ...(f['words'] === undefined ? {} : { words: list(f['words'], word) }),
    ...(f['logprobs'] === undefined ? {} : { logprobs: list(f['logprobs'], logprob) }),
  }
}

function word(value: unknown): TranscriptWord {
  const f = object(value)
  return {
    word: text(f['word']),
    start: number(f['start']),
    end: number(f['end']),
    probability: number(f['probability']),
  }
}

function logprob(value: unknown): TokenLogprob {
  const f = object(value)
  const own = { token: count(f['token']), text: text(f['text']), logprob: number(f['logprob']) }
  return f['top'] === undefined ? own : { ...own, top: list(f['top'], logprob) }
}

function tensorInfo(value: unknown): TensorInfo {
  const f = object(value)
  return {
    name: text(f['name']),
    datatype: oneOf(f['datatype'], TENSOR_TYPES),
    shape: list(f['shape'], number),
  }
}

function usage(value: unknown): TokenUsage {
  const f = object(value)
  return { inputTokens: count(f['inputTokens']), outputTokens: count(f['outputTokens']) }
}

function object(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad('object expected')
  return value as Fields
}

function list<T>(value: unknown, decode: (element: unknown) => T): T[] {
  if (!Array.isArray(value) || value.length > MAX_LIST) throw bad('list expected')
  return value.map((element) => decode(element))
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw bad('text expected')
  return value
}

function number(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw bad('number expected')
  return value
}

function count(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw bad('counting number expected')
  return value as number
}

function oneOf<T extends string>(value: unknown, known: readonly T[]): T {
  const found = known.find((name) => name === value)
  if (found === undefined) throw bad('unknown name')
  return found
}

function bad(message: string): Error {
  return engineError('ENGINE_PROTOCOL', message)
}
