import type { Scores } from './scores.ts'

export type Length = 'short' | 'medium' | 'long' | 'exact'

/** What somebody is about to have summarised. */
export interface Draft {
  text: string
  reference: string
  length: Length
  /** With `exact`. */
  words: number
  /** Id of a model; empty: the first. */
  model: string
}

/** A summary as it is shown, and kept until the next. */
export interface Outcome {
  summary: string
  model: string
  parts: number
  answers: number
  seconds: number
  isCut: boolean
  scores: Scores | undefined
  /** What it was made of: tells whether the draft has changed since. */
  madeOf: string
}

export const [LEAST_WORDS, MOST_WORDS] = [5, 2000]
const WORDS: Readonly<Record<Exclude<Length, 'exact'>, number>> = { short: 60, medium: 150, long: 350 }

export const EMPTY_DRAFT: Draft = { text: '', reference: '', length: 'medium', words: 100, model: '' }

/** Words of the summary; undefined for a number that is none, or too large. */
export function wordsOf({ length, words }: Pick<Draft, 'length' | 'words'>): number | undefined {
  if (length !== 'exact') return WORDS[length]
  return Number.isInteger(words) && words >= LEAST_WORDS && words <= MOST_WORDS ? words : undefined
}

/** Tells two requests apart, without keeping the text twice. */
export function fingerprint({ text, length, words, model }: Draft): string {
  let hash = 0
  for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0
  return [text.length, hash, wordsOf({ length, words }), model].join(' ')
}

/** A draft that was kept, by this version of the page or another. */
export function parseDraft(value: unknown): Draft {
  const given = (value ?? {}) as Partial<Record<keyof Draft, unknown>>
  const text = (key: 'text' | 'reference' | 'model'): string =>
    typeof given[key] === 'string' ? given[key] : EMPTY_DRAFT[key]
  const { length, words } = given
  return {
    text: text('text'),
    reference: text('reference'),
    model: text('model'),
    length:
      length === 'exact' || (typeof length === 'string' && Object.hasOwn(WORDS, length))
        ? (length as Length)
        : 'medium',
    words: typeof words === 'number' ? words : EMPTY_DRAFT.words,
  }
}
