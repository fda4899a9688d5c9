import { engineError } from '../errors.ts'
import type { Session } from '../onnx/index.ts'
import type { TextTokenizer } from '../tokenizer/index.ts'
import type { SummarizeRequest, TextEvent } from '../types.ts'
import { chunkText } from './chunk-text.ts'
import { encodeTokens } from './encoder.ts'
import { type Generated, generate, type Pick } from './generate.ts'
import { createGraphDecoder, type DecoderGraphs } from './graph-decoder.ts'
import { requestSettings, type SummaryProfile } from './profile.ts'
import { drawWith, seededRandom } from './sample.ts'

/** Pieces of one text at most: with T5 some 100,000 words. */
export const MAX_PIECES = 256

/** UTF-16 units of one text at most, so that counting its tokens stays a matter of seconds. */
export const MAX_TEXT_LENGTH = 2_000_000

/** UTF-16 units before each piece. */
const MAX_PREFIX_LENGTH = 8192

/** A loaded summariser. */
export interface Summarizer {
  readonly encoder: Session
  readonly decoder: DecoderGraphs
  readonly tokenizer: TextTokenizer
  readonly profile: SummaryProfile
}

/**
 * Summarises a text piece by piece; each delta is the summary of one. The client controls the request.
 *
 * @throws `ENGINE_INPUT` for an empty text or impossible bounds, `ENGINE_CONTEXT_OVERFLOW` for too long a text
 */
export async function* summarize(
  { encoder, decoder, tokenizer, profile }: Summarizer,
  request: SummarizeRequest,
  signal: AbortSignal,
): AsyncGenerator<TextEvent, void> {
  if (request.text.length > MAX_TEXT_LENGTH)
    throw engineError('ENGINE_CONTEXT_OVERFLOW', 'text is too long for this model', {
      expected: `at most ${MAX_TEXT_LENGTH} characters`,
    })
  const count = (piece: string): number => tokenizer.encode(piece, { special: false }).length
  const pieces = chunkText(request.text, profile.chunkTokens, count)
  if (pieces.length === 0) throw engineError('ENGINE_INPUT', 'there is no text to summarise')
  if (pieces.length > MAX_PIECES)
    throw engineError('ENGINE_CONTEXT_OVERFLOW', 'text is too long for this model', {
      expected: `at most ${MAX_PIECES} pieces of ${profile.chunkTokens} tokens`,
      found: `${pieces.length} pieces`,
    })
  const settings = requestSettings(profile, request, pieces.length)
  const pick = pickOf(request)
  const prefix = prefixOf(request, profile)
  const left = { sentences: request.maxSentences ?? Infinity }
  let inputTokens = 0
  let outputTokens = 0
  let cut = false
  let said = ''
  for (const piece of pieces) {
    const tokens = tokenizer.encode(prefix + piece.trim())
    const made: Generated = await generate(
      createGraphDecoder(decoder, await encodeTokens(encoder, tokens)),
      settings,
      { inputTokens: tokens, signal, ...(pick && { pick }) },
    )
    inputTokens += tokens.length
    outputTokens += made.tokens.length - 1
    cut ||= made.tokens.length >= settings.maxLength
    const text = firstSentences(tokenizer.decode(made.tokens).trim(), left)
    if (text === '') continue
    const delta = said === '' ? text : ` ${text}`
    said += delta
    yield { type: 'delta', text: delta, tokens: made.tokens.length - 1 }
    if (left.sentences <= 0) break
  }
  yield { type: 'done', finishReason: cut ? 'length' : 'stop', usage: { inputTokens, outputTokens } }
}

function prefixOf({ prefix }: SummarizeRequest, profile: SummaryProfile): string {
  if (prefix !== undefined && prefix.length > MAX_PREFIX_LENGTH)
    throw engineError('ENGINE_INPUT', 'the prefix is too long', {
      expected: `at most ${MAX_PREFIX_LENGTH} characters`,
    })
  return prefix ?? profile.prefix
}

/** Beams unless the request asks for drawing. The same request gives the same summary: an absent seed is 0. */
function pickOf({ sampling, beams = 1 }: SummarizeRequest): Pick | undefined {
  const temperature = sampling?.temperature ?? 1
  if (!sampling || temperature === 0) return undefined
  if (beams > 1) throw engineError('ENGINE_UNSUPPORTED', 'beams and a temperature exclude each other')
  const { topP = 1, topK = 0, minP = 0, seed = 0 } = sampling
  if (!(temperature > 0 && temperature <= 2 && topP > 0 && topP <= 1 && topK >= 0 && minP >= 0 && minP <= 1))
    throw engineError('ENGINE_INPUT', 'a sampling parameter is out of range')
  return drawWith({ temperature, topP, topK, minP, random: seededRandom(seed) })
}

/** As many sentences from the front as are left; counts them off. */
function firstSentences(text: string, left: { sentences: number }): string {
  if (left.sentences === Infinity) return text
  let kept = ''
  for (const [sentence] of text.matchAll(/.*?(?:[.!?]+(?=\s|$)\s*|$)/gs)) {
    if (sentence === '' || left.sentences <= 0) break
    kept += sentence
    left.sentences--
  }
  return kept.trim()
}
