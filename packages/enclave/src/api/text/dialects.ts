import { utf8 } from '@sotto/protocol/bytes'
import type { TokenLogprob } from '../../engines/types.ts'
import { type Dialect, finishReasonOf } from './generate.ts'

/** `chat.completion` and its chunks. */
export const chatDialect: Dialect = {
  idPrefix: 'chatcmpl-',
  object: 'chat.completion',
  chunkObject: 'chat.completion.chunk',
  opening: (index) => ({ index, delta: { role: 'assistant', content: '' }, finish_reason: null }),
  choice: (index, answer, logprobs, newCallId) => ({
    index,
    message: {
      role: 'assistant',
      content: answer.text === '' && answer.calls.length > 0 ? null : answer.text,
      refusal: null,
      ...(answer.calls.length > 0 && {
        tool_calls: answer.calls.map((call) => ({ id: newCallId(), type: 'function', function: call })),
      }),
    },
    logprobs: chatLogprobs(logprobs ? answer.logprobs : undefined),
    finish_reason: finishReasonOf(answer),
  }),
  delta: (index, stretch) =>
    stretch.type === 'text'
      ? {
          index,
          delta: { content: stretch.text },
          ...(stretch.logprobs && { logprobs: chatLogprobs(stretch.logprobs) }),
          finish_reason: null,
        }
      : {
          index,
          delta: {
            tool_calls: [
              stretch.name === undefined
                ? { index: stretch.call, function: { arguments: stretch.arguments } }
                : {
                    index: stretch.call,
                    id: stretch.id,
                    type: 'function',
                    function: { name: stretch.name, arguments: stretch.arguments },
                  },
            ],
          },
          finish_reason: null,
        },
  closing: (index, finishReason) => ({ index, delta: {}, finish_reason: finishReason }),
}

/** {@link chatDialect} for programs that sent `functions`: the one call there can be is a `function_call`. */
export const functionDialect: Dialect = {
  ...chatDialect,
  choice: (index, answer, logprobs) => {
    const [call] = answer.calls
    return {
      index,
      message: {
        role: 'assistant',
        content: answer.text === '' && call ? null : answer.text,
        refusal: null,
        ...(call && { function_call: call }),
      },
      logprobs: chatLogprobs(logprobs ? answer.logprobs : undefined),
      finish_reason: ofFunction(finishReasonOf(answer)),
    }
  },
  delta: (index, stretch) => {
    if (stretch.type === 'text') return chatDialect.delta(index, stretch)
    const { name, arguments: given } = stretch
    const call = { ...(name !== undefined && { name }), arguments: given }
    return { index, delta: { function_call: call }, finish_reason: null }
  },
  closing: (index, finishReason) => ({ index, delta: {}, finish_reason: ofFunction(finishReason) }),
}

function ofFunction(finishReason: string): string {
  return finishReason === 'tool_calls' ? 'function_call' : finishReason
}

/** `text_completion`. */
export const completionDialect: Dialect = {
  idPrefix: 'cmpl-',
  object: 'text_completion',
  chunkObject: 'text_completion',
  choice: (index, answer, logprobs) => ({
    index,
    text: answer.text,
    logprobs: completionLogprobs(logprobs ? answer.logprobs : undefined, 0),
    finish_reason: finishReasonOf(answer),
  }),
  // Prompts have no tools, so that no call ever comes here.
  delta: (index, stretch) => ({
    index,
    text: stretch.type === 'text' ? stretch.text : '',
    logprobs: stretch.type === 'text' ? completionLogprobs(stretch.logprobs, stretch.offset) : null,
    finish_reason: null,
  }),
  closing: (index, finishReason) => ({ index, text: '', logprobs: null, finish_reason: finishReason }),
}

function chatLogprobs(logprobs: readonly TokenLogprob[] | undefined): object | null {
  return logprobs ? { content: logprobs.map((token) => logprobEntry(token)), refusal: null } : null
}

/** One token with its alternatives, as chat and responses have it. */
export function logprobEntry(token: TokenLogprob): object {
  const entry = ({ text, logprob }: { text: string; logprob: number }): object => ({
    token: text,
    logprob,
    bytes: [...utf8(text.toWellFormed())],
  })
  return { ...entry(token), top_logprobs: (token.top ?? []).map((one) => entry(one)) }
}

function completionLogprobs(logprobs: readonly TokenLogprob[] | undefined, start: number): object | null {
  if (!logprobs) return null
  let offset = start
  return {
    tokens: logprobs.map((token) => token.text),
    // Of a prompt that is echoed, the first token has none.
    token_logprobs: logprobs.map((token) => (token.isFirst ? null : token.logprob)),
    top_logprobs: logprobs.map(({ text, logprob, top = [], isFirst }) =>
      // The sampled token is always among them, as OpenAI promises: up to one more than was asked for.
      isFirst ? null : Object.fromEntries([...top, { text, logprob }].map((one) => [one.text, one.logprob])),
    ),
    text_offset: logprobs.map((token) => (offset += token.text.length) - token.text.length),
  }
}
