import { z } from 'zod'
import type { GenerateRequest } from '../../engines/types.ts'
import { given } from '../openai/body.ts'
import { ApiError, unsupported } from '../openai/errors.ts'
import { noEffect, refuseFields, works } from '../openai/fields.ts'
import { isText, isToken, isTokens, listOf } from '../openai/list.ts'
import { commonFields, MAX_CHOICES, samplingRequest } from './sampling-fields.ts'

/** `POST /v1/completions`. */
export const completionSchema = z.object({
  prompt: works(
    z.union([
      z.string(),
      listOf('not a list of token ids', isToken, { min: 1 }),
      listOf('not a list of texts', isText, { min: 1, max: MAX_CHOICES }),
      listOf('not a list of lists of token ids', isTokens, { min: 1, max: MAX_CHOICES }),
    ]),
    'a text, texts, token ids, or lists of them',
  ),
  ...commonFields,
  logprobs: works(
    z.int().min(0).max(5).nullish(),
    'the sampled token is always among `top_logprobs`; `text_offset` counts from the start of the answer, in streams too',
  ),
  echo: works(z.boolean().nullish(), 'the prompt as the beginning of the text, with its log-probabilities'),
  suffix: works(
    z.string().max(1_000_000).nullish(),
    'for models with tokens to fill the middle; refused by name for the others',
  ),
  best_of: works(
    z.int().min(1).max(MAX_CHOICES).nullish(),
    'by mean log-probability of their tokens; not with `stream`',
  ),
  user: noEffect('a label for the provider'),
})

type CompletionBody = z.infer<typeof completionSchema>

/** The engine requests of a completion body, one for each prompt. @throws `API_UNSUPPORTED`, `API_INVALID` */
export function completionRequests(body: CompletionBody): GenerateRequest[] {
  refuseFields(completionSchema, body)
  const [n, bestOf] = [body.n ?? 1, body.best_of ?? body.n ?? 1]
  if (bestOf < n) throw new ApiError('API_INVALID', 'best_of: less than n', 'best_of')
  if (bestOf > n && body.stream) throw unsupported('best_of', 'best_of: not offered in a stream')
  if (body.echo && body.suffix) throw unsupported('suffix', 'suffix: not offered with echo')
  return promptsOf(body.prompt).map((prompt) => ({
    prompt,
    ...samplingRequest(body),
    maxTokens: body.max_tokens ?? 16,
    ...given({ logprobs: body.logprobs, suffix: body.suffix || undefined }),
    ...(body.echo && { echo: true }),
  }))
}

function promptsOf(prompt: CompletionBody['prompt']): (string | number[])[] {
  if (typeof prompt === 'string') return [prompt]
  if (prompt.every((item) => typeof item === 'number')) return [prompt as number[]]
  return prompt as (string | number[])[]
}
