import { utf8 } from '@sotto/protocol/bytes'
import type { TokenLogprob } from '../../engines/types.ts'
import type { Dialect } from './generate.ts'

/** `chat.completion` and its chunks. */
export const chatDialect: Dialect = {
  idPrefix: 'chatcmpl-',
  object: 'chat.completion',
  chunkObject: 'chat.completion.chunk',
  opening: { index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null },
  choice: (text, finishReason, logprobs) => ({
    index: 0,
    message: { role: 'assistant', content: text, refusal: null },
    logprobs: chatLogprobs(logprobs),
    finish_reason: finishReason,
  }),
  delta: (text, logprobs) => ({
    index: 0,
    delta: { content: text },
    ...(logprobs && { logprobs: chatLogprobs(logprobs) }),
    finish_reason: null,
  }),
  closing: (finishReason) => ({ index: 0, delta: {}, finish_reason: finishReason }),
}

/** `text_completion`. */
export const completionDialect: Dialect = {
  idPrefix: 'cmpl-',
  object: 'text_completion',
  chunkObject: 'text_completion',
  choice: (text, finishReason, logprobs) => ({
    index: 0,
    text,
    logprobs: completionLogprobs(logprobs, 0),
    finish_reason: finishReason,
  }),
  delta: (text, logprobs, offset) => ({
    index: 0,
    text,
    logprobs: completionLogprobs(logprobs, offset),
    finish_reason: null,
  }),
  closing: (finishReason) => ({ index: 0, text: '', logprobs: null, finish_reason: finishReason }),
}

function chatLogprobs(logprobs: readonly TokenLogprob[] | undefined): object | null {
  if (!logprobs) return null
  const entry = ({ text, logprob }: { text: string; logprob: number }): object => ({
    token: text,
    logprob,
    bytes: [...utf8(text.toWellFormed())],
  })
  return {
    content: logprobs.map((token) => ({ ...entry(token), top_logprobs: (token.top ?? []).map(entry) })),
    refusal: null,
  }
}

function completionLogprobs(logprobs: readonly TokenLogprob[] | undefined, start: number): object | null {
  if (!logprobs) return null
  let offset = start
  return {
    tokens: logprobs.map((token) => token.text),
    token_logprobs: logprobs.map((token) => token.logprob),
    top_logprobs: logprobs.map(({ text, logprob, top = [] }) =>
      // The sampled token is always among them, as OpenAI promises: up to one more than was asked for.
      Object.fromEntries([...top, { text, logprob }].map((one) => [one.text, one.logprob])),
    ),
    text_offset: logprobs.map((token) => (offset += token.text.length) - token.text.length),
  }
}
