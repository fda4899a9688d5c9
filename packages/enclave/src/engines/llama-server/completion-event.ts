import { bad, count, type Fields, list, number, object, oneOf, text } from '../fields.ts'
import { engineError } from '../errors.ts'

/** What a server says of one token, or of the end. */
export type CompletionEvent =
  | {
      readonly type: 'token'
      readonly text: string
      /** The last token of the text; undefined where the server names none. */
      readonly token: number | undefined
      /** Tokens so far, this one included. */
      readonly total: number
      readonly probabilities: TokenProbability | undefined
    }
  | {
      readonly type: 'end'
      readonly reason: 'eos' | 'limit' | 'word' | 'none'
      /** Tokens of the prompt that were evaluated, by the server's own clockwork. */
      readonly evaluated: number
    }

/** Natural-log probability of a token by the model alone, and of the most likely ones. */
export interface TokenProbability {
  readonly token: number
  readonly logprob: number
  readonly top: readonly { readonly token: number; readonly logprob: number }[]
}

/** Alternatives of one token at most, as many as may be asked for. */
const MAX_TOP = 20

/**
 * Decodes one event of a streamed `POST /completion`. The model's owner may control what comes.
 * @throws `ENGINE_PROTOCOL`; `ENGINE_FAILED` for an error of the server, whose words are withheld
 */
export function decodeCompletionEvent(value: unknown, vocabulary: number): CompletionEvent {
  const f = object(value)
  if (f['error'] !== undefined) throw engineError('ENGINE_FAILED', 'the model server failed')
  if (f['stop'] === true) {
    return {
      type: 'end',
      reason: oneOf(f['stop_type'], ['eos', 'limit', 'word', 'none']),
      evaluated: count(object(f['timings'])['prompt_n']),
    }
  }
  if (f['stop'] !== false) throw bad('an event that neither stops nor goes on')
  const token = (of: unknown): number => {
    const id = count(of)
    if (id >= vocabulary) throw bad('a token that the model does not have')
    return id
  }
  const probabilities = f['completion_probabilities']
  return {
    type: 'token',
    text: text(f['content']),
    token: list(f['tokens'] ?? [], token).at(-1),
    total: count(f['tokens_predicted']),
    probabilities:
      probabilities === undefined
        ? undefined
        : list(probabilities, (one) => probability(object(one), token)).at(-1),
  }
}

function probability(f: Fields, token: (of: unknown) => number): TokenProbability {
  const top = list(f['top_logprobs'], (one) => {
    const { id, logprob } = object(one)
    return { token: token(id), logprob: finite(logprob) }
  })
  if (top.length > MAX_TOP) throw bad('more alternatives than were asked for')
  return { token: token(f['id']), logprob: finite(f['logprob']), top }
}

/** llama.cpp writes the logarithm of nothing as the lowest number it has. */
function finite(value: unknown): number {
  return Math.max(-9999, number(value))
}
