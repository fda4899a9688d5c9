import { z } from 'zod'
import type { SummarizeRequest, TokenUsage } from '../../engines/types.ts'
import type { ServedModel } from '../models.ts'
import { given } from '../openai/body.ts'
import { works } from '../openai/fields.ts'
import { cancelledWith, eventStream } from '../openai/sse.ts'
import { openAIUsage, startIterating } from './generate.ts'

/** `POST /v1/summaries`: not an OpenAI route; it follows their manners. */
export const summaryFields = z.object({
  model: works(z.string().max(256).optional(), 'left out: the first summariser'),
  input: works(z.string().min(1)),
  min_words: works(z.int().min(1).max(100_000).nullish()),
  max_words: works(z.int().min(1).max(100_000).nullish()),
  min_sentences: works(z.int().min(1).max(10_000).nullish()),
  max_sentences: works(z.int().min(1).max(10_000).nullish()),
  num_beams: works(z.int().min(1).max(16).nullish(), 'for models that generate'),
  stream: works(z.boolean().nullish(), '`summary.delta`, `summary.done`'),
})

/** {@link summaryFields}, whose bounds fit together. */
export const summarySchema = summaryFields.refine(
  ({ min_words, max_words }) => min_words == null || max_words == null || min_words <= max_words,
  {
    message: 'min_words is larger than max_words',
    path: ['min_words'],
  },
)

/** A summary in one piece, or as `summary.delta` / `summary.done` events. */
export async function answerSummary(
  model: ServedModel,
  body: z.infer<typeof summarySchema>,
  clientSignal: AbortSignal,
): Promise<Response> {
  const cancel = cancelledWith(clientSignal)
  const request: SummarizeRequest = {
    text: body.input,
    ...given({
      minWords: body.min_words,
      maxWords: body.max_words,
      minSentences: body.min_sentences,
      maxSentences: body.max_sentences,
      beams: body.num_beams,
    }),
  }
  const events = await startIterating(model.summarize!(request, cancel.signal))
  async function* answer(): AsyncGenerator<object> {
    let summary = ''
    for await (const event of events) {
      if (event.type === 'delta') {
        summary += event.text
        yield { type: 'summary.delta', delta: event.text }
      } else if (event.type === 'done') yield done(summary, event.usage)
    }
  }
  const done = (summary: string, usage: TokenUsage): object => ({
    type: 'summary.done',
    object: 'summary',
    model: model.id,
    summary,
    usage: openAIUsage(usage),
  })
  if (body.stream) return eventStream(answer(), cancel)
  let last: object = done('', { inputTokens: 0, outputTokens: 0 })
  for await (const event of answer()) last = event
  const { type: _type, ...whole } = last as { type: string }
  return Response.json(whole)
}
