import { engineError } from '../errors.ts'
import type { SummarizeRequest } from '../types.ts'
import { dot, lexRank, spread, tfIdf } from './lexrank.ts'
import { type Sentence, splitSentences } from './sentences.ts'
import { countWords, termsOf, wordsOf } from './words.ts'

/** Characters of a text to summarise at most. */
export const MAX_TEXT_LENGTH = 4_000_000
/** Without any bound in the request: one sentence in five, five at most. */
const DEFAULT_MAX_SENTENCES = 5
/** How much a sentence loses for repeating what is already chosen. */
const REDUNDANCY = 0.7
/** Sentences with fewer terms are asides. */
const MIN_TERMS = 3
/** Anything else is a heading or a fragment. */
const ENDS_LIKE_SENTENCE = /[.!?…。！？]["'”’»)\]」』]*$/u
/** What is left of the score of asides, headings and fragments. */
const ASIDE = 0.1
/** Sentences that compete for a place, the most central ones; bounds the work on very long texts. */
const MAX_CANDIDATES = 2000

interface Bounds {
  readonly minWords: number
  readonly maxWords: number
  readonly minSentences: number
  readonly maxSentences: number
}

/**
 * The most central sentences of a text, unchanged and in their order. The same text and bounds always give the same
 * summary. Upper bounds always hold; lower bounds hold when the 2000 most central sentences are enough.
 *
 * @throws `ENGINE_INPUT` for contradicting bounds, a text without words, or one that is too long
 */
export function summarize(request: SummarizeRequest): string[] {
  if (typeof request.text !== 'string' || request.text.length > MAX_TEXT_LENGTH) {
    throw engineError('ENGINE_INPUT', 'text is not a string of at most 4 million characters')
  }
  const sentences = splitSentences(request.text)
  if (!sentences.some((sentence) => countWords(sentence.text) > 0))
    throw engineError('ENGINE_INPUT', 'text has no words')
  const bounds = boundsOf(request, sentences.length)
  const chosen = choose(sentences, bounds)
  if (chosen.length > 0) return chosen.toSorted((a, b) => a - b).map((index) => sentences[index]!.text)
  return [cut(sentences[bestOf(sentences)]!.text, bounds.maxWords)]
}

function boundsOf(request: SummarizeRequest, sentences: number): Bounds {
  const { minWords, maxWords, minSentences, maxSentences } = request
  for (const bound of [minWords, maxWords, minSentences, maxSentences]) {
    if (bound !== undefined && (!Number.isSafeInteger(bound) || bound < 0))
      throw engineError('ENGINE_INPUT', 'a length bound is not a counting number')
  }
  if (maxWords === 0 || maxSentences === 0) throw engineError('ENGINE_INPUT', 'an upper length bound is zero')
  if ((minWords ?? 0) > (maxWords ?? Infinity) || (minSentences ?? 0) > (maxSentences ?? Infinity)) {
    throw engineError('ENGINE_INPUT', 'a lower length bound is above its upper bound')
  }
  // A caller who bounds words in either direction means to fill them; only without them the default count applies.
  const usual = Math.min(DEFAULT_MAX_SENTENCES, Math.max(1, Math.ceil(sentences / 5)))
  const open =
    minWords !== undefined || maxWords !== undefined ? sentences : Math.max(usual, minSentences ?? 0)
  return {
    minWords: minWords ?? 0,
    maxWords: maxWords ?? Infinity,
    minSentences: minSentences ?? 0,
    maxSentences: maxSentences ?? open,
  }
}

function choose(sentences: readonly Sentence[], bounds: Bounds): number[] {
  const { scores, vectors, vocabulary } = score(sentences)
  const chosen: number[] = []
  const left = new Set(
    [...sentences.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b).slice(0, MAX_CANDIDATES),
  )
  const covered = new Float64Array(vocabulary)
  let words = 0
  const isEnough = (): boolean =>
    bounds.minWords > 0 &&
    bounds.maxWords === Infinity &&
    words >= bounds.minWords &&
    chosen.length >= bounds.minSentences
  while (chosen.length < bounds.maxSentences && left.size > 0 && !isEnough()) {
    let best = -1
    let bestScore = -Infinity
    for (const index of left) {
      const repeated = Math.min(1, dot(vectors[index]!, covered))
      const value = scores[index]! * (1 - REDUNDANCY * repeated)
      if (value > bestScore) [best, bestScore] = [index, value]
    }
    left.delete(best)
    const length = countWords(sentences[best]!.text)
    if (length === 0 || words + length > bounds.maxWords) continue
    chosen.push(best)
    words += length
    spread(vectors[best]!, covered, 1)
  }
  return chosen
}

function score(sentences: readonly Sentence[]): {
  scores: Float64Array
  vectors: ReturnType<typeof tfIdf>['vectors']
  vocabulary: number
} {
  const terms = sentences.map((sentence) => termsOf(sentence.text))
  const { vectors, vocabulary } = tfIdf(terms)
  // Writers put what matters first: in a text, and in a paragraph.
  const prior = Float64Array.from(sentences, (sentence, i) =>
    i === 0 ? 3 : sentence.isFirstOfParagraph ? 2 : 1,
  )
  const scores = lexRank(vectors, vocabulary, prior)
  for (const [i, list] of terms.entries()) {
    if (list.length < MIN_TERMS || !ENDS_LIKE_SENTENCE.test(sentences[i]!.text)) scores[i]! *= ASIDE
  }
  return { scores, vectors, vocabulary }
}

function bestOf(sentences: readonly Sentence[]): number {
  const { scores } = score(sentences)
  return scores.reduce((best, value, index) => (value > scores[best]! ? index : best), 0)
}

/** The first words of a sentence, when not even one whole sentence fits. */
function cut(text: string, maxWords: number): string {
  const words = wordsOf(text)
  if (words.length <= maxWords) return text
  let at = 0
  for (const word of words.slice(0, maxWords)) at = text.indexOf(word, at) + word.length
  return `${text.slice(0, at)}…`
}
