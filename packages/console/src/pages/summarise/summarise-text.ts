import { SottoError } from '@sotto/protocol/errors'
import { words as say } from '../../words/index.ts'
import { answerTokens, type AnswerEnd, type SummaryAsk } from './ask.ts'
import { splitText } from './split-text.ts'

/** What happens on the way. */
export type SummaryEvent =
  /** The text does not fit the model: it goes in parts, whose summaries are summarised. */
  | { type: 'parts'; round: number; count: number }
  /** Part `index` is begun, from 0. */
  | { type: 'part'; round: number; index: number }
  /** What is written now, of a part or of the whole, begins. */
  | { type: 'begin'; isFinal: boolean }
  | { type: 'delta'; text: string }

/** What came of it. */
export interface Summary {
  text: string
  /** Of the first round; 1 where the whole text went at once. */
  parts: number
  /** Answers that it took, each with a receipt that holds. */
  answers: number
  isCut: boolean
}

const own = say.summarise.tooLong

/** Parts of one round at most: more of them take an hour, and little is left of each. */
export const MAX_PARTS = 64
const MAX_ROUNDS = 4
/** How often a part may turn out too long before it is given up. */
const MAX_REFITS = 6
/** Characters of a part at least. */
const LEAST_PART = 200
/** Parts keep this share of what would just fit: the same characters may be more tokens elsewhere in the text. */
const SPARE = 0.85

/**
 * Summarises a text that may be longer than the model takes. How much it takes nobody needs to know: a model that refuses
 * says so, and then the text is cut.
 * @param ask one request; throws `CONTEXT_LENGTH_EXCEEDED` for a text that does not fit
 * @throws `TEXT_TOO_LONG` with counts; what `ask` throws
 */
export async function summariseText(
  { text, words }: SummaryAsk,
  ask: (ask: SummaryAsk) => AsyncGenerator<string, AnswerEnd>,
  onEvent: (event: SummaryEvent) => void,
): Promise<Summary> {
  let current = text
  let fits = Infinity
  let parts = 1
  let answers = 0

  async function write(asked: SummaryAsk, isFinal: boolean): Promise<AnswerEnd & { text: string }> {
    onEvent({ type: 'begin', isFinal })
    let written = ''
    const events = ask(asked)
    for (;;) {
      const { done, value } = await events.next()
      if (done) {
        answers++
        return { ...value, text: written.trim() }
      }
      written += value
      onEvent({ type: 'delta', text: value })
    }
  }

  for (let round = 1; ; round++) {
    if (current.length <= fits) {
      try {
        const { text: summary, isCut } = await write({ text: current, words }, true)
        return { text: summary, parts, answers, isCut }
      } catch (error) {
        fits = fittingLength(error, current.length, words)
      }
    }
    if (round > MAX_ROUNDS) throw tooLong(own.rounds(MAX_ROUNDS), own.moreRounds)
    const summaries: string[] = []
    let rest = current
    for (let refits = 0; rest !== '';) {
      const left = splitText(rest, fits)
      const count = summaries.length + left.length
      if (count > MAX_PARTS) throw tooLong(own.mostParts(MAX_PARTS), own.parts(count))
      onEvent({ type: 'parts', round, count })
      if (round === 1) parts = count
      try {
        for (const part of left) {
          onEvent({ type: 'part', round, index: summaries.length })
          if (part.trim() !== '')
            summaries.push((await write({ text: part, words: partWords(words, count) }, false)).text)
          rest = rest.slice(part.length)
        }
      } catch (error) {
        const tried = Math.min(fits, rest.length)
        fits = Math.min(fittingLength(error, tried, partWords(words, count)), tried * SPARE)
        if (++refits > MAX_REFITS) throw error
      }
    }
    const joined = summaries.join('\n\n')
    // A model that writes as much as it reads never comes to an end.
    if (joined.length >= current.length)
      throw tooLong(own.shorter(current.length), own.characters(joined.length))
    current = joined
  }
}

/** Enough of each part that the whole can be told from them. */
function partWords(words: number, parts: number): number {
  return Math.max(30, Math.ceil((words * 2) / parts))
}

/**
 * Characters that fit, by what a refusal says of the tokens it counted; half as many where it says nothing.
 * @throws the error, where it is another one; `TEXT_TOO_LONG` where hardly anything fits
 */
export function fittingLength(error: unknown, length: number, words: number): number {
  if (!(error instanceof SottoError) || error.code !== 'CONTEXT_LENGTH_EXCEEDED') throw error
  const [found, context] = (error.message.match(/\d+/g) ?? []).map(Number).toSorted((a, b) => b - a)
  let fitting = length / 2
  if (found !== undefined && context !== undefined && context >= 16) {
    const room = Math.max(context - answerTokens(words), context / 3)
    fitting = Math.min(length * SPARE, ((length * room) / found) * SPARE)
  }
  if (fitting >= LEAST_PART) return Math.floor(fitting)
  throw tooLong(own.least(LEAST_PART), own.characters(Math.floor(fitting)))
}

function tooLong(expected: string, found: string): SottoError {
  return new SottoError('TEXT_TOO_LONG', 'fix-input', own.message, {
    expected,
    found,
    hint: own.hint,
  })
}
