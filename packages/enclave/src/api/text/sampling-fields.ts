import { z } from 'zod'
import type { SamplingParams } from '../../engines/types.ts'
import { given } from '../openai/body.ts'
import { works } from '../openai/fields.ts'
import { isText, listOf } from '../openai/list.ts'

/** Choices and prompts of one request at most, multiplied. */
export const MAX_CHOICES = 128

/** Salts that can hold 128 random bits, as engines want them. */
const SALT = /^[A-Za-z0-9_-]{22,128}$/

/** Fields that chat and plain completions share. */
export const commonFields = {
  model: works(z.string().max(256).optional(), 'left out: the first text model'),
  temperature: works(z.number().min(0).max(2).nullish()),
  top_p: works(z.number().gt(0).max(1).nullish()),
  top_k: works(z.int().min(0).max(1000).nullish(), 'beyond OpenAI'),
  min_p: works(z.number().min(0).max(1).nullish(), 'beyond OpenAI'),
  max_tokens: works(
    z.int().min(1).max(1_000_000).nullish(),
    'chat: what the context leaves; completions: 16',
  ),
  seed: works(z.int().nullish(), 'choice 0 has it, choice 1 the next, and so on'),
  stop: works(
    z.union([z.string(), listOf('not a list of up to 16 texts', isText, { max: 16 })]).nullish(),
    'up to 16; in text, not in tool calls. Not with `response_format` other than `text`: it could cut the JSON',
  ),
  frequency_penalty: works(z.number().min(-2).max(2).nullish()),
  presence_penalty: works(z.number().min(-2).max(2).nullish()),
  logit_bias: works(
    z.custom<Record<string, number>>(isBias, 'not token ids with biases from -100 to 100').nullish(),
    'by token id',
  ),
  n: works(z.int().min(1).max(MAX_CHOICES).nullish(), 'up to 128 choices, prompts multiplied'),
  stream: works(z.boolean().nullish(), 'server-sent events, `[DONE]`'),
  stream_options: works(
    z.object({ include_usage: z.boolean().nullish() }).nullish(),
    '`include_usage`; `include_obfuscation` has no effect: every answer is padded by the encryption',
  ),
  cache_salt: works(
    z.string().regex(SALT, 'not 22 to 128 characters of base64url').nullish(),
    'beyond OpenAI: a random secret of yours. Requests with it may reuse what the last one with it began with; nothing is reused without',
  ),
}

/** Their values, as far as both bodies have them. */
export interface SamplingFields {
  readonly temperature?: number | null | undefined
  readonly top_p?: number | null | undefined
  readonly top_k?: number | null | undefined
  readonly min_p?: number | null | undefined
  readonly seed?: number | null | undefined
  readonly stop?: string | string[] | null | undefined
  readonly frequency_penalty?: number | null | undefined
  readonly presence_penalty?: number | null | undefined
  readonly logit_bias?: Record<string, number> | null | undefined
  readonly cache_salt?: string | null | undefined
}

/** What an engine is asked for by the fields that every text body shares. */
export function samplingRequest(body: SamplingFields): {
  sampling: SamplingParams
  stop?: string[]
  cacheSalt?: string
} {
  const stop = typeof body.stop === 'string' ? [body.stop] : body.stop
  return {
    sampling: given({
      temperature: body.temperature,
      topP: body.top_p,
      topK: body.top_k,
      minP: body.min_p,
      seed: body.seed,
      frequencyPenalty: body.frequency_penalty,
      presencePenalty: body.presence_penalty,
      logitBias: body.logit_bias,
    }),
    ...(stop?.length && { stop }),
    ...given({ cacheSalt: body.cache_salt }),
  }
}

function isBias(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.values(value).every((bias) => typeof bias === 'number' && Math.abs(bias) <= 100)
}
