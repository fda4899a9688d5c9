import { bytesToFloats, type Item } from '../channel/index.ts'
import { bad, count, type Fields, list, number, object, oneOf, text } from '../fields.ts'
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
  if (f['type'] === 'tool-call') {
    return {
      type: 'tool-call',
      index: count(f['index']),
      ...(f['name'] === undefined ? {} : { name: text(f['name']) }),
      arguments: text(f['arguments']),
    }
  }
  if (f['type'] !== 'done') throw bad('unknown event of a text operation')
  return {
    type: 'done',
    finishReason: oneOf(f['finishReason'], ['stop', 'length', 'tool-calls']),
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
  const own = {
    token: count(f['token']),
    text: text(f['text']),
    logprob: number(f['logprob']),
    ...(f['isFirst'] === true && { isFirst: true as const }),
  }
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
  const cached = f['cachedInputTokens']
  return {
    inputTokens: count(f['inputTokens']),
    outputTokens: count(f['outputTokens']),
    ...(cached === undefined ? {} : { cachedInputTokens: count(cached) }),
  }
}
