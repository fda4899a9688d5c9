import { fromUtf8 } from '@sotto/protocol/bytes'
import { engineError } from '../errors.ts'

/** N-grams of a model at most: a map of four million takes about a gigabyte. */
const MAX_NGRAMS = 4_000_000
const MAX_ORDER = 5
const LN_10 = Math.log(10)
const UNKNOWN = '<unk>'
const START = '<s>'
const SECTION = /^\\([1-9])-grams:$/
const COUNT = /^ngram ([1-9])=(\d{1,9})$/

/** Words said so far, as far as the next one depends on them: ids, newest last. */
export type WordContext = readonly number[]

/** What one word does to a sentence. */
export interface ScoredWord {
  /** Natural log of its probability after the context. */
  readonly logprob: number
  readonly isKnown: boolean
  readonly context: WordContext
}

interface Ngram {
  readonly logprob: number
  readonly backoff: number
}

/** A word n-gram model with back-off, as files in ARPA form hold it. */
export class LanguageModel {
  readonly #order: number
  readonly #words: ReadonlyMap<string, number>
  /** By the ids of its words, joined by spaces. */
  readonly #ngrams: ReadonlyMap<string, Ngram>

  private constructor(order: number, words: ReadonlyMap<string, number>, ngrams: ReadonlyMap<string, Ngram>) {
    this.#order = order
    this.#words = words
    this.#ngrams = ngrams
  }

  /**
   * Reads the ARPA form: `\data\` with a count for each order, then for each order `log10 TAB words [TAB back-off]`,
   * then `\end\` (Jurafsky and Martin, Speech and Language Processing, 3.5; the form is that of the CMU toolkit).
   * @throws `ENGINE_MODEL_INVALID`
   */
  static parse(bytes: Uint8Array): LanguageModel {
    const lines = new Lines(bytes)
    const counts = readCounts(lines)
    const words = new Map<string, number>()
    const ngrams = new Map<string, Ngram>()
    for (const [index, count] of counts.entries()) {
      const order = index + 1
      if (SECTION.exec(lines.nextFull())?.[1] !== String(order)) throw invalid(`section ${order} is missing`)
      for (let n = 0; n < count; n++) {
        const { logprob, backoff, text } = parseNgram(lines.next(), order)
        if (order === 1) words.set(text[0]!, words.size)
        const ids = text.map((word) => words.get(word))
        if (ids.includes(undefined)) throw invalid('an n-gram has a word that is no unigram')
        ngrams.set(ids.join(' '), { logprob, backoff })
      }
    }
    if (lines.nextFull() !== '\\end\\') throw invalid('the end is missing')
    if (ngrams.size !== counts.reduce((sum, count) => sum + count, 0)) throw invalid('an n-gram stands twice')
    for (const needed of [START, UNKNOWN]) if (!words.has(needed)) throw invalid(`${needed} is missing`)
    return new LanguageModel(counts.length, words, ngrams)
  }

  /** Words it knows, without the marks of the form. */
  *words(): Generator<string, void> {
    for (const word of this.#words.keys()) if (!/^<.*>$/.test(word)) yield word
  }

  /** Where a sentence begins. */
  get start(): WordContext {
    return [this.#words.get(START)!].slice(0, this.#order - 1)
  }

  /** The next word after a context. */
  score(context: WordContext, word: string): ScoredWord {
    const known = this.#words.get(word)
    const id = known ?? this.#words.get(UNKNOWN)!
    const next = [...context, id].slice(-(this.#order - 1))
    return {
      logprob: this.#logprob([...context, id]),
      isKnown: known !== undefined,
      context: this.#order === 1 ? [] : next,
    }
  }

  #logprob(ids: WordContext): number {
    let penalty = 0
    for (let from = 0; ; from++) {
      const found = this.#ngrams.get(ids.slice(from).join(' '))
      if (found !== undefined) return penalty + found.logprob
      // An order that does not know the context backs off for nothing.
      penalty += this.#ngrams.get(ids.slice(from, -1).join(' '))?.backoff ?? 0
    }
  }
}

/** Lines of a file that fits in memory, one at a time. */
class Lines {
  readonly #text: string
  #at = 0

  constructor(bytes: Uint8Array) {
    try {
      this.#text = fromUtf8(bytes)
    } catch (cause) {
      throw engineError('ENGINE_MODEL_INVALID', 'the language model is not UTF-8', { cause })
    }
  }

  next(): string {
    if (this.#at >= this.#text.length) throw invalid('the file is cut')
    const end = this.#text.indexOf('\n', this.#at)
    const line = this.#text.slice(this.#at, end < 0 ? undefined : end)
    this.#at = end < 0 ? this.#text.length : end + 1
    return line.endsWith('\r') ? line.slice(0, -1) : line
  }

  /** The next line with something in it. */
  nextFull(): string {
    for (;;) {
      const line = this.next()
      if (line.trim() !== '') return line
    }
  }

  /** Whether the next line is empty; it is read then. */
  skipEmpty(): boolean {
    const before = this.#at
    if (this.next().trim() === '') return true
    this.#at = before
    return false
  }
}

/** Unigrams first; the order of the model is how many there are. */
function readCounts(lines: Lines): number[] {
  if (lines.nextFull() !== '\\data\\') throw invalid('it does not begin with \\data\\')
  const counts: number[] = []
  while (!lines.skipEmpty()) {
    const [, order, count] = COUNT.exec(lines.next()) ?? []
    if (order !== String(counts.length + 1)) throw invalid('the counts are malformed')
    counts.push(Number(count))
  }
  if (counts.length === 0 || counts.length > MAX_ORDER) throw invalid(`it has ${counts.length} orders`)
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total <= MAX_NGRAMS) return counts
  throw engineError('ENGINE_MODEL_INVALID', 'the language model is too large', {
    expected: `at most ${MAX_NGRAMS} n-grams`,
    found: `${total}`,
  })
}

function parseNgram(line: string, order: number): Ngram & { text: string[] } {
  const [probability, words = '', weight, ...rest] = line.split('\t')
  const text = words.split(' ')
  const logprob = parseLog10(probability)
  const backoff = weight === undefined ? 0 : parseLog10(weight)
  if (rest.length > 0 || text.length !== order || text.includes('') || logprob > 0)
    throw invalid(`an n-gram of order ${order} is malformed`)
  return { logprob, backoff, text }
}

/** To natural logarithms, which the network speaks. */
function parseLog10(text: string | undefined): number {
  const value =
    text !== undefined && /^[-+]?\d{1,4}(?:\.\d{1,9})?(?:e[-+]?\d{1,2})?$/i.test(text) ? Number(text) : NaN
  if (Number.isFinite(value)) return value * LN_10
  throw invalid('a probability is malformed')
}

function invalid(message: string): Error {
  return engineError('ENGINE_MODEL_INVALID', `language model: ${message}`)
}
