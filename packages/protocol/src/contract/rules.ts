import { boolean, integer, list, members, refine, areDistinct, type Decoder } from '../jcs/index.ts'
import { columnName, name } from './names.ts'

/**
 * What an owner asks of everything that is derived from an input. A contract is refused where a rule could not be kept:
 * rules of rows and columns are of tables, which only queries then read; a rule of words is of texts and recordings. The
 * rest is the room's to keep, which runs what is really executed: decoders read no SQL and see no result.
 */
export interface Rules {
  /** Parties who may have it at all: 1 to 16. */
  receivers: string[]
  /**
   * Columns that no output shows, under any name: 0 to 256. The room keeps it by where each column of a result comes
   * from, at every query that reads the table.
   */
  forbidden: string[]
  /**
   * Only figures over at least so many of the owner's contributors leave: 1 (no such rule) to 1000000. The room counts
   * them, at every query that reads the table.
   */
  minContributors: number
  /** Column that says who contributed a row. With `minContributors` over 1, or `noisy`, tables need one. */
  contributor?: string
  /** Only results with noise leave, at a price in epsilon: every query that reads the table adds it. */
  noisy: boolean
  /**
   * Longest passage of an input, in words, that an output may repeat: 0 to 1000000. Absent: no such rule. The room
   * compares each output, before its release, with every text that the run reads and with every transcript that it made
   * on the way; an output that is no text it refuses. Code can write the same in other words or letters: who lets code
   * read a text trusts that code.
   */
  maxCommonWords?: number
  /** The owner looks at each output before it is released. */
  review: boolean
}

/** Columns of a table at most, and forbidden ones. */
export const MAX_COLUMNS = 256
const MAX_CONTRIBUTORS = 1_000_000
const MAX_WORDS = 1_000_000

/** Decodes {@link Rules}. @throws `JCS_FIELD` */
export const rulesDecoder: Decoder<Rules> = refine(
  members<Rules>(
    {
      receivers: list(name, 1, 16),
      forbidden: list(columnName, 0, MAX_COLUMNS),
      minContributors: integer(1, MAX_CONTRIBUTORS),
      noisy: boolean(),
      review: boolean(),
    },
    { contributor: columnName, maxCommonWords: integer(0, MAX_WORDS) },
  ),
  ({ receivers, forbidden }) =>
    areDistinct(receivers) && areDistinct(forbidden.map(foldColumn)) ? undefined : 'something is named twice',
)

/**
 * What holds for everything derived from several inputs: receivers are those that every owner admits, columns are
 * forbidden if one owner forbids them, and of every other rule the strictest wins. `contributor` is a matter of each
 * input and is not among them.
 */
export type DerivedRules = Omit<Rules, 'contributor'>

/** The rules of inputs together. An order or a grouping of them changes nothing. */
export function joinRules(all: readonly Rules[]): DerivedRules {
  const [first, ...rest] = all
  if (first === undefined) throw new TypeError('nothing is derived from nothing')
  const words = all.flatMap(({ maxCommonWords }) => maxCommonWords ?? [])
  return {
    receivers: first.receivers
      .filter((party) => rest.every(({ receivers }) => receivers.includes(party)))
      .sort(),
    forbidden: [...new Set(all.flatMap(({ forbidden }) => forbidden.map(foldColumn)))].sort(),
    minContributors: Math.max(...all.map(({ minContributors }) => minContributors)),
    noisy: all.some(({ noisy }) => noisy),
    review: all.some(({ review }) => review),
    ...(words.length > 0 && { maxCommonWords: Math.min(...words) }),
  }
}

/** A column as SQL compares names: without regard to case. */
export function foldColumn(column: string): string {
  return column.toLowerCase()
}
