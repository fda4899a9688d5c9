import { cliError } from '../../errors.ts'

/** Raw figures of a text model, as `enclave/bench` answers them. Times in milliseconds, `nats` natural logarithms. */
export interface TextResult {
  readonly loadMs: number
  readonly contextTokens: number
  readonly memoryBytes: number
  readonly textTokens: number
  readonly chunkTokens: number
  readonly chunks: number
  readonly scored: number
  readonly nats: number
  readonly squaredNats: number
  readonly promptTokens: number
  readonly promptMs: number
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

/** One line of the process that measures. */
export type Answer =
  | { readonly type: 'ready' }
  | { readonly type: 'progress'; readonly done: number; readonly of: number }
  | { readonly type: 'text'; readonly result: TextResult }
  | { readonly type: 'speech'; readonly result: SpeechResult }
  | { readonly type: 'failed'; readonly code: string; readonly message: string }

/** Characters of a line at most: transcripts of many recordings. */
export const MAX_ANSWER_LENGTH: number = 64 * 1024 * 1024
const TEXT_FIELDS = [
  'loadMs',
  'contextTokens',
  'memoryBytes',
  'textTokens',
  'chunkTokens',
  'chunks',
  'scored',
  'nats',
  'squaredNats',
  'promptTokens',
  'promptMs',
  'generatedTokens',
  'generateMs',
] as const satisfies readonly (keyof TextResult)[]

/**
 * Decodes one line. The process is ours, but a model it runs decides what is in it: every figure is a number that is
 * finite and not negative. @throws `ROLE_FAILED`
 */
export function parseAnswer(line: string): Answer {
  let json: unknown
  try {
    json = JSON.parse(line)
  } catch (cause) {
    throw malformed('an answer is not JSON', cause)
  }
  const f = object(json)
  switch (f['type']) {
    case 'ready':
      return { type: 'ready' }
    case 'progress':
      return { type: 'progress', done: figure(f['done']), of: figure(f['of']) }
    case 'failed':
      return { type: 'failed', code: words(f['code']), message: words(f['message']) }
    case 'text': {
      const result = object(f['result'])
      return {
        type: 'text',
        result: Object.fromEntries(TEXT_FIELDS.map((name) => [name, figure(result[name])])) as {
          [Name in keyof TextResult]: number
        },
      }
    }
    case 'speech': {
      const result = object(f['result'])
      const { recordings } = result
      if (!Array.isArray(recordings)) throw malformed('recordings are missing')
      return {
        type: 'speech',
        result: {
          loadMs: figure(result['loadMs']),
          memoryBytes: figure(result['memoryBytes']),
          recordings: recordings.map((each: unknown) => {
            const one = object(each)
            return {
              text: words(one['text']),
              audioSeconds: figure(one['audioSeconds']),
              computeMs: figure(one['computeMs']),
            }
          }),
        },
      }
    }
    default:
      throw malformed('an answer of an unknown type')
  }
}

function object(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformed('an object is missing')
  return value as Record<string, unknown>
}

function figure(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
    throw malformed('a figure is missing')
  return value
}

function words(value: unknown): string {
  if (typeof value !== 'string') throw malformed('a text is missing')
  return value
}

function malformed(message: string, cause?: unknown): Error {
  return cliError('ROLE_FAILED', `the process that measures answered what it must not: ${message}`, { cause })
}
