import { parseModelManifest } from '../engines/manifest.ts'
import { bad, count, type Fields, list, object, oneOf, text } from '../engines/fields.ts'
import type { ModelManifest } from '../engines/types.ts'

/** What every job names: a model whose files lie open on this machine. */
interface ModelJob {
  readonly manifest: ModelManifest
  /** Folder of the files, which are compared with the manifest as they are read. */
  readonly folder: string
  /** Compute threads; absent: the engine host's own choice. */
  readonly threads?: number
}

/** Measure a text model. */
export interface TextJob extends ModelJob {
  readonly kind: 'text'
  /** What the perplexity is computed on. */
  readonly text: string
  /** Tokens of one chunk at most; a model trained for fewer gets what it was trained for. */
  readonly chunkTokens: number
  /** Tokens of the prompt whose speed is measured, at most. */
  readonly promptTokens: number
  /** Tokens to generate. */
  readonly generateTokens: number
}

/** Measure a speech model. */
export interface SpeechJob extends ModelJob {
  readonly kind: 'speech'
  /** Recordings, in order. */
  readonly audio: readonly string[]
}

export type BenchJob = TextJob | SpeechJob

/** What the process answers, one JSON line each. Times in milliseconds, `nats` natural logarithms. */
export type BenchAnswer =
  | { readonly type: 'ready' }
  | { readonly type: 'progress'; readonly done: number; readonly of: number }
  | { readonly type: 'text'; readonly result: TextResult }
  | { readonly type: 'speech'; readonly result: SpeechResult }
  | { readonly type: 'failed'; readonly code: string; readonly message: string }

/** Raw figures of a text model. */
export interface TextResult {
  readonly loadMs: number
  readonly contextTokens: number
  /** Peak resident memory of the engine process, the weights included; 0 where the system does not tell. */
  readonly memoryBytes: number
  readonly textTokens: number
  readonly chunkTokens: number
  readonly chunks: number
  /** Tokens whose probability was taken, the sum of minus their logarithms, and of the squares of those. */
  readonly scored: number
  readonly nats: number
  readonly squaredNats: number
  readonly promptTokens: number
  readonly promptMs: number
  /** Tokens after the first of the fastest answer, and what they took. */
  readonly generatedTokens: number
  readonly generateMs: number
}

/** Raw figures of a speech model. */
export interface SpeechResult {
  readonly loadMs: number
  readonly memoryBytes: number
  readonly recordings: readonly {
    readonly text: string
    readonly audioSeconds: number
    readonly computeMs: number
  }[]
}

/** Decodes one line of standard input. @throws `ENGINE_PROTOCOL`, `ENGINE_MODEL_INVALID` */
export function parseJob(line: string): BenchJob {
  let json: unknown
  try {
    json = JSON.parse(line)
  } catch (cause) {
    throw Object.assign(bad('a job is not JSON'), { cause })
  }
  const f: Fields = object(json)
  const manifest = parseModelManifest(JSON.stringify(f['manifest']))
  const model = {
    manifest,
    folder: text(f['folder']),
    ...(f['threads'] !== undefined && { threads: count(f['threads']) }),
  }
  if (oneOf(f['kind'], ['text', 'speech']) === 'speech')
    return { kind: 'speech', ...model, audio: list(f['audio'], text) }
  return {
    kind: 'text',
    ...model,
    text: text(f['text']),
    chunkTokens: count(f['chunkTokens']),
    promptTokens: count(f['promptTokens']),
    generateTokens: count(f['generateTokens']),
  }
}
