import { CheckSize, Effort } from './check.ts'
import { refused, unsupported } from './refusals.ts'
import { DfaSteps } from './regex/dfa.ts'

/** Patterns of one request at most: one for each tool there may be. */
const MAX_PATTERNS = 128
/** Merges of one request at most: alternatives multiply. */
const MAX_MERGES = 2000
/** Pairs of alternatives of `oneOf` that are compared: alternatives of alternatives multiply. */
const MAX_PAIRS = 200_000

/**
 * What the schemas of one request may take in all to be read. A client controls how many there are: each tool has one,
 * and a bound of each alone would be a bound times 128.
 */
export class SchemaBudget {
  /** Of the automata that patterns become. */
  readonly steps = new DfaSteps()
  /** Of the checks that say which values of an `enum` something else allows too. */
  readonly effort = new Effort()
  readonly size = new CheckSize()
  private patterns = 0
  private merges = 0
  private pairs = 0

  /** @throws `ENGINE_UNSUPPORTED` for more patterns than a request may have */
  pattern(): void {
    if (++this.patterns > MAX_PATTERNS) throw unsupported(`keyword pattern more than ${MAX_PATTERNS} times`)
  }

  /** @throws `ENGINE_INPUT` for more merges than a request may ask for */
  merge(): void {
    if (++this.merges > MAX_MERGES) throw refused('schema is too deep or too large')
  }

  /** Whether so many pairs may be compared still. */
  compare(pairs: number): boolean {
    return (this.pairs += pairs) <= MAX_PAIRS
  }
}
