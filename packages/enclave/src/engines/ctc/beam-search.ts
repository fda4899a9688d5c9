import type { LanguageModel, WordContext } from './language-model.ts'
import { Lexicon, type LexiconNode } from './lexicon.ts'
import type { Vocabulary } from './vocabulary.ts'

/** How network and language model share the decision. Scores are natural logarithms. */
export interface BeamSettings {
  /** Weight of the language model. Default 0.7. */
  readonly alpha: number
  /** Bonus of each word, against too few of them. Default 0.5. */
  readonly beta: number
  /** Penalty of a word the language model does not know. Default -8; of words longer than four letters, more. */
  readonly unknown: number
  /** Texts that are followed at once. Default 48. */
  readonly width: number
}

export const DEFAULT_BEAM_SETTINGS: BeamSettings = { alpha: 0.7, beta: 0.5, unknown: -8, width: 48 }

/** Columns less likely than this (natural log) are not followed, but for the best one. */
const LEAST_LOGPROB = -7
/** Letters of a word that one penalty is for. */
const USUAL_LETTERS = 4
/** Texts this much behind the best are dropped. */
const MAX_BEHIND = 16

/** One text: a path in the tree of token sequences. */
interface Prefix {
  readonly parent: Prefix | undefined
  readonly token: number
  readonly children: Map<number, Prefix>
  /** What has been spelt of the current word. */
  readonly word: string
  /** Where that stands in the lexicon; undefined: no known word begins so. */
  readonly place: LexiconNode | undefined
  readonly context: WordContext
  /** Of the whole words. */
  readonly whole: number
  /** With what the current word costs as far as it is known. */
  readonly score: number
}

/** Probabilities of a text whose last frame was, or was not, a blank. */
interface Mass {
  blank: number
  token: number
}

/** Decodes with a language model of words. */
export class BeamSearch {
  readonly #model: LanguageModel
  readonly #vocabulary: Vocabulary
  readonly #settings: BeamSettings
  readonly #lexicon: Lexicon

  constructor(model: LanguageModel, vocabulary: Vocabulary, settings: BeamSettings = DEFAULT_BEAM_SETTINGS) {
    this.#model = model
    this.#vocabulary = vocabulary
    this.#settings = settings
    this.#lexicon = new Lexicon(model.words())
  }

  /**
   * The likeliest tokens by network and language model: CTC prefix beam search (Hannun et al. 2014, "First-pass large
   * vocabulary continuous speech recognition using bi-directional recurrent DNNs", algorithm 1), with words scored
   * when they end and doubtful beginnings penalised at once. `logprobs` is row-major `[frames, width]`, normalised.
   */
  decode(logprobs: Float32Array, frames: number, width: number): number[] {
    const { blank } = this.#vocabulary
    let beams = new Map<Prefix, Mass>([[this.#root(), { blank: 0, token: -Infinity }]])
    for (let frame = 0; frame < frames; frame++) {
      const row = logprobs.subarray(frame * width, (frame + 1) * width)
      const columns = followed(row)
      const next = new Map<Prefix, Mass>()
      for (const [prefix, mass] of beams) {
        const total = addLogs(mass.blank, mass.token)
        for (const column of columns) {
          const logprob = row[column]!
          if (column === blank) {
            const stays = massOf(next, prefix)
            stays.blank = addLogs(stays.blank, total + logprob)
            continue
          }
          // The same column again says the same token; a second one needs a blank between.
          if (column === prefix.token) {
            const stays = massOf(next, prefix)
            stays.token = addLogs(stays.token, mass.token + logprob)
          }
          const grown = massOf(next, this.#child(prefix, column))
          grown.token = addLogs(grown.token, (column === prefix.token ? mass.blank : total) + logprob)
        }
      }
      beams = this.#best(next)
    }
    let [best, highest]: [Prefix | undefined, number] = [undefined, -Infinity]
    for (const [prefix, { blank: ends, token }] of beams) {
      const score = addLogs(ends, token) + this.#finish(prefix).score
      if (best === undefined || score > highest) [best, highest] = [prefix, score]
    }
    return tokensOf(best)
  }

  #root(): Prefix {
    return {
      parent: undefined,
      token: -1,
      children: new Map(),
      word: '',
      place: this.#lexicon.root,
      context: this.#model.start,
      whole: 0,
      score: 0,
    }
  }

  #child(parent: Prefix, token: number): Prefix {
    const known = parent.children.get(token)
    if (known !== undefined) return known
    const child =
      token === this.#vocabulary.delimiter ? this.#endWord(parent, token) : this.#spell(parent, token)
    parent.children.set(token, child)
    return child
  }

  #spell(parent: Prefix, token: number): Prefix {
    const text = this.#vocabulary.text.get(token) ?? ''
    const place = parent.place && this.#lexicon.find(parent.place, text)
    const word = parent.word + text
    const { context, whole } = parent
    const score = whole + (place === undefined ? this.#unknownCost(word) : 0)
    return { parent, token, children: new Map(), word, place, context, whole, score }
  }

  #endWord(parent: Prefix, token: number): Prefix {
    const { score, context } = this.#finish(parent)
    return {
      parent,
      token,
      children: new Map(),
      word: '',
      place: this.#lexicon.root,
      context,
      whole: score,
      score,
    }
  }

  /** What a text scores when its current word ends here. */
  #finish({ word, context, whole }: Prefix): { score: number; context: WordContext } {
    if (word === '') return { score: whole, context }
    const { alpha, beta } = this.#settings
    const { logprob, isKnown, context: next } = this.#model.score(context, word)
    return { score: whole + alpha * logprob + beta + (isKnown ? 0 : this.#unknownCost(word)), context: next }
  }

  /** By length, for otherwise a whole sentence without spaces would cost as little as one word. */
  #unknownCost(word: string): number {
    return this.#settings.unknown * Math.max(1, word.length / USUAL_LETTERS)
  }

  #best(all: Map<Prefix, Mass>): Map<Prefix, Mass> {
    const scored = [...all].map(([prefix, mass]) => ({
      prefix,
      mass,
      score: addLogs(mass.blank, mass.token) + prefix.score,
    }))
    scored.sort((a, b) => b.score - a.score)
    const least = (scored[0]?.score ?? 0) - MAX_BEHIND
    return new Map(
      scored
        .slice(0, this.#settings.width)
        .filter(({ score }) => score >= least)
        .map(({ prefix, mass }) => [prefix, mass]),
    )
  }
}

/** Columns worth following in one frame. */
function followed(row: Float32Array): number[] {
  const columns: number[] = []
  let best = 0
  for (let column = 0; column < row.length; column++) {
    if (row[column]! > row[best]!) best = column
    if (row[column]! > LEAST_LOGPROB) columns.push(column)
  }
  return columns.length === 0 ? [best] : columns
}

function massOf(all: Map<Prefix, Mass>, prefix: Prefix): Mass {
  let mass = all.get(prefix)
  if (mass === undefined) all.set(prefix, (mass = { blank: -Infinity, token: -Infinity }))
  return mass
}

function tokensOf(last: Prefix | undefined): number[] {
  const tokens: number[] = []
  for (let prefix = last; prefix?.parent !== undefined; prefix = prefix.parent) tokens.push(prefix.token)
  return tokens.toReversed()
}

function addLogs(a: number, b: number): number {
  const [low, high] = a < b ? [a, b] : [b, a]
  return low === -Infinity ? high : high + Math.log1p(Math.exp(low - high))
}
