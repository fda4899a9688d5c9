import { engineError } from '../errors.ts'
import type { GenerateRequest, SamplingParams } from '../types.ts'

/** {@link SamplingParams} with every default filled in and every bound checked. */
export interface Sampling {
  readonly temperature: number
  readonly topP: number
  readonly topK: number
  readonly minP: number
  /** 32 bits. */
  readonly seed: number
  readonly frequencyPenalty: number
  readonly presencePenalty: number
  readonly repeatPenalty: number
  /** Token and what is added to its logit; `never` bans it. */
  readonly bias: readonly (readonly [token: number, bias: number | 'never'])[]
}

const MAX_STOPS = 16
const MAX_STOP_LENGTH = 1024
const MAX_BIASES = 1024
const MAX_TOP_LOGPROBS = 20

/**
 * Checks sampling parameters and fills in defaults. @param drawSeed a seed for requests that name none
 * @throws `ENGINE_INPUT`
 */
export function resolveSampling(
  params: SamplingParams = {},
  vocabulary: number,
  drawSeed: () => number,
): Sampling {
  return {
    temperature: within(params.temperature ?? 1, 0, 2, 'temperature'),
    topP: within(params.topP ?? 1, 0, 1, 'topP'),
    topK: within(params.topK ?? 0, 0, 1_000_000, 'topK', true),
    minP: within(params.minP ?? 0, 0, 1, 'minP'),
    seed: params.seed === undefined ? drawSeed() : seedBits(params.seed),
    frequencyPenalty: within(params.frequencyPenalty ?? 0, -2, 2, 'frequencyPenalty'),
    presencePenalty: within(params.presencePenalty ?? 0, -2, 2, 'presencePenalty'),
    repeatPenalty: within(params.repeatPenalty ?? 1, 0.01, 10, 'repeatPenalty'),
    bias: biases(params.logitBias ?? {}, vocabulary),
  }
}

/** Checks the stop strings. @throws `ENGINE_INPUT` */
export function resolveStops(stop: GenerateRequest['stop']): string[] {
  const stops = stop ?? []
  if (!Array.isArray(stops) || stops.length > MAX_STOPS)
    throw engineError('ENGINE_INPUT', 'stop is not a list of at most 16 strings')
  if (stops.some((text) => typeof text !== 'string' || text.length === 0 || text.length > MAX_STOP_LENGTH)) {
    throw engineError('ENGINE_INPUT', 'a stop string is empty or longer than 1024 characters')
  }
  return [...stops]
}

/** Checks how many alternatives are asked for; undefined: no log-probabilities at all. @throws `ENGINE_INPUT` */
export function resolveLogprobs(logprobs: number | undefined): number | undefined {
  return logprobs === undefined ? undefined : within(logprobs, 0, MAX_TOP_LOGPROBS, 'logprobs', true)
}

/** Tokens the answer may have: what is asked for, or what the context leaves. @throws `ENGINE_INPUT`, `ENGINE_CONTEXT_OVERFLOW` */
export function resolveMaxTokens(
  maxTokens: number | undefined,
  promptTokens: number,
  contextTokens: number,
): number {
  const room = contextTokens - promptTokens
  if (room < 1) {
    const message = `the prompt has ${promptTokens} tokens, the context of this model ${contextTokens} for prompt and answer together`
    throw engineError('ENGINE_CONTEXT_OVERFLOW', message, {
      expected: `fewer than ${contextTokens} tokens`,
      found: `${promptTokens}`,
    })
  }
  return Math.min(room, within(maxTokens ?? room, 1, Number.MAX_SAFE_INTEGER, 'maxTokens', true))
}

function biases(
  map: Readonly<Record<string, number>>,
  vocabulary: number,
): (readonly [number, number | 'never'])[] {
  const entries = Object.entries(map)
  if (entries.length > MAX_BIASES) throw engineError('ENGINE_INPUT', 'logitBias has more than 1024 entries')
  return entries.map(([key, value]) => {
    const token = /^\d{1,9}$/.test(key) ? Number(key) : -1
    if (token < 0 || token >= vocabulary)
      throw engineError('ENGINE_INPUT', 'logitBias names a token this model does not have')
    const bias = within(value, -100, 100, 'logitBias')
    return [token, bias === -100 ? 'never' : bias]
  })
}

function seedBits(seed: number): number {
  if (!Number.isSafeInteger(seed)) throw engineError('ENGINE_INPUT', 'seed is not an integer')
  return Number(BigInt.asUintN(32, BigInt(seed)))
}

function within(value: number, low: number, high: number, name: string, integer = false): number {
  if (
    typeof value !== 'number' ||
    !(value >= low && value <= high) ||
    (integer && !Number.isSafeInteger(value))
  ) {
    throw engineError('ENGINE_INPUT', `${name} is out of bounds`, { expected: `${low} to ${high}` })
  }
  return value
}
