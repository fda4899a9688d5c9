import { deflateSync } from 'node:zlib'
import type { TokenLogprob, TranscribeParams, TranscriptSegment, TranscriptWord } from '../types.ts'
import type { CtcToken } from './greedy.ts'
import type { Vocabulary } from './vocabulary.ts'

/** Where a segment lies in the recording, in seconds. */
export interface Placement {
  readonly id: number
  readonly start: number
  readonly end: number
  /** Duration of one frame of logits. */
  readonly secondsPerFrame: number
}

/** What was decoded of a segment. */
export interface Decoded {
  readonly tokens: readonly CtcToken[]
  /** See `silenceProbability`. */
  readonly noSpeechProb: number
}

/** Builds a transcript segment from decoded tokens. */
export function assembleSegment(
  { tokens, noSpeechProb }: Decoded,
  vocabulary: Vocabulary,
  place: Placement,
  params: TranscribeParams,
): TranscriptSegment {
  const text = textOf(tokens, vocabulary)
  return {
    id: place.id,
    seek: Math.round(place.start * 100),
    start: place.start,
    end: place.end,
    text,
    tokens: tokens.map((token) => token.id),
    temperature: 0,
    avgLogprob:
      tokens.length === 0 ? 0 : tokens.reduce((sum, token) => sum + token.logprob, 0) / tokens.length,
    compressionRatio: compressionRatio(text),
    noSpeechProb,
    ...(params.wordTimestamps ? { words: wordsOf(tokens, vocabulary, place) } : {}),
    ...(params.logprobs ? { logprobs: logprobsOf(tokens, vocabulary) } : {}),
  }
}

function textOf(tokens: readonly CtcToken[], vocabulary: Vocabulary): string {
  const joined = tokens.map((token) => vocabulary.text.get(token.id) ?? '').join('')
  return joined.replace(/\s+/g, ' ').trim()
}

function wordsOf(tokens: readonly CtcToken[], vocabulary: Vocabulary, place: Placement): TranscriptWord[] {
  const words: TranscriptWord[] = []
  let current: CtcToken[] = []
  const finish = (): void => {
    const word = textOf(current, vocabulary)
    if (word !== '') {
      words.push({
        word,
        start: place.start + current[0]!.from * place.secondsPerFrame,
        end: Math.min(place.end, place.start + current.at(-1)!.to * place.secondsPerFrame),
        probability: Math.exp(current.reduce((sum, token) => sum + token.logprob, 0) / current.length),
      })
    }
    current = []
  }
  for (const token of tokens) {
    if (token.id === vocabulary.delimiter) finish()
    else current.push(token)
  }
  finish()
  return words
}

function logprobsOf(tokens: readonly CtcToken[], vocabulary: Vocabulary): TokenLogprob[] {
  return tokens.map(({ id, logprob }) => ({ token: id, text: vocabulary.text.get(id) ?? '', logprob }))
}

function compressionRatio(text: string): number {
  const bytes = Buffer.from(text, 'utf8')
  return bytes.length === 0 ? 1 : bytes.length / deflateSync(bytes).length
}
