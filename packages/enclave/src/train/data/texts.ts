import { roomTrainError } from '../errors.ts'
import { coin } from '../random/sample.ts'
import type { Chance } from '../random/streams.ts'
import type { Examples, Units } from './units.ts'

/** A model's own words. */
export interface Tokenizer {
  /** Tokens of a text, without any that are added; what looks like a special token is text. */
  tokenize(text: string): readonly number[]
  /** What stands before every context, where the model has it. */
  readonly begin?: number
  /** What says that a text is over, where the model has it. */
  readonly end?: number
}

/** Windows of the texts of one input. A text is a unit: all its windows are of one contributor. */
export interface TextPart extends Examples {
  readonly name: string
  /** Tokens of a window. */
  readonly sequence: number
  /** Of each window its tokens, filled up with 0 behind its end. */
  readonly tokens: Int32Array
  /** Of each token the one that follows it; -1 where none does, and behind the end. */
  readonly targets: Int32Array
}

/** Tokens of one input: what is more takes longer than any run. */
const MAX_TOKENS = 2 ** 28

/**
 * Cuts texts into windows. Each is read as a context by itself, as the model will be asked later: its beginning token stands
 * before every window, and its end token behind every text. Each token of a text is told once; of a model without a
 * beginning token all but the first of a text, and a window begins with the last token of the one before.
 *
 * @param sequence 1 to what the graph takes
 * @throws `ROOM_TRAIN_TOO_LARGE`
 */
export function encodeTexts(
  name: string,
  texts: readonly string[],
  tokenizer: Tokenizer,
  sequence: number,
): TextPart {
  const { begin, end } = tokenizer
  const windows: number[][] = []
  const first: number[] = []
  for (const text of texts) {
    first.push(windows.length)
    const said = tokenizer.tokenize(text)
    // A text of nothing says nothing, not even that it is over.
    const tokens = said.length === 0 || end === undefined ? said : [...said, end]
    for (let at = begin === undefined ? 1 : 0; at < tokens.length; at += sequence)
      windows.push(
        begin === undefined
          ? tokens.slice(at - 1, at + sequence)
          : [begin, ...tokens.slice(at, at + sequence)],
      )
    if (windows.length * sequence > MAX_TOKENS)
      throw roomTrainError('ROOM_TRAIN_TOO_LARGE', `text ${name} has more than ${MAX_TOKENS} tokens`)
  }
  first.push(windows.length)
  const tokens = new Int32Array(windows.length * sequence)
  const targets = new Int32Array(windows.length * sequence).fill(-1)
  for (const [at, window] of windows.entries()) {
    tokens.set(window.slice(0, -1), at * sequence)
    targets.set(window.slice(1), at * sequence)
  }
  return { name, sequence, rows: windows.length, tokens, targets, units: textUnits(first) }
}

/**
 * Divides texts by chance.
 *
 * @param heldNanos probability of a text to be measured with, in billionths: 0 to 1000000000
 * @param part place of the input among all: each is divided by chance of its own
 */
export function splitTexts(
  texts: readonly string[],
  heldNanos: number,
  chance: Chance,
  part: number,
): { readonly train: readonly string[]; readonly held: readonly string[] } {
  const isHeld = coin(chance.stream('split', 0, part), heldNanos)
  const sides = texts.map(() => isHeld())
  return { train: texts.filter((_, at) => !sides[at]), held: texts.filter((_, at) => sides[at]) }
}

/** @param first window of each text, and one past the last */
function textUnits(first: readonly number[]): Units {
  return {
    count: first.length - 1,
    areRows: false,
    rowsOf: (unit) => {
      const from = first[unit]!
      return Uint32Array.from({ length: first[unit + 1]! - from }, (_, at) => from + at)
    },
  }
}
