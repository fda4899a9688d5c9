import { unsupported } from '../refusals.ts'
import { closure, type Nfa } from './nfa.ts'
import {
  type CodeRange,
  codeSet,
  type CodeSet,
  EVERY,
  intersection,
  isIn,
  LAST_CODE_POINT,
} from './ranges.ts'

/** States of which one is open at a time, whatever the text; the first one is the start. */
export type Dfa = readonly DfaState[]

/** `isEnd`: the text may end here. No two moves share a character. */
export interface DfaState {
  readonly isEnd: boolean
  readonly moves: readonly { readonly set: CodeSet; readonly to: number }[]
}

/** Each becomes a rule of a grammar. */
const MAX_STATES = 1000
/** Looks at a move or a state, for all automata of one request: some tenths of a second. */
const MAX_STEPS = 1_000_000

/** What making automata has taken: one for all patterns of a request, which its client controls. */
export class DfaSteps {
  private taken = 0

  /** @throws `ENGINE_UNSUPPORTED` for more than a request may take */
  take(count: number): void {
    if ((this.taken += count) > MAX_STEPS) throw tooLarge()
  }
}

/** The subset construction. @throws `ENGINE_UNSUPPORTED` for more states than a grammar should have, or steps */
export function dfaOf(nfa: Nfa, steps: DfaSteps = new DfaSteps()): Dfa {
  const starts = new Set([0])
  // Counts write the same set out again and again.
  for (const set of new Set(nfa.moves.flat().map((move) => move.set)))
    for (const [first, last] of set) starts.add(first).add(last + 1)
  const pieces = [...starts].filter((code) => code <= LAST_CODE_POINT).toSorted((a, b) => a - b)
  return explore(closure(nfa, [0]), {
    key: (states) => states.join(' '),
    isEnd: (states) => states.includes(nfa.end),
    *moves(states) {
      const moves = states.flatMap((state) => nfa.moves[state]!)
      for (const [index, first] of pieces.entries()) {
        steps.take(1 + moves.length)
        const reached = moves.filter(({ set }) => isIn(first, set))
        if (reached.length === 0) continue
        const last = (pieces[index + 1] ?? LAST_CODE_POINT + 1) - 1
        const to = closure(nfa, new Set(reached.map((move) => move.to)))
        steps.take(to.length)
        yield { set: [[first, last]], to }
      }
    },
  })
}

/** Texts of `min` to `max` characters. */
export function dfaOfLength(min: number, max: number | undefined): Dfa {
  const last = max ?? min
  if (last > MAX_STATES) throw tooLarge()
  return Array.from({ length: last + 1 }, (_, length) => {
    const to = length < last ? length + 1 : max === undefined ? length : undefined
    return { isEnd: length >= min, moves: to === undefined ? [] : [{ set: EVERY, to }] }
  })
}

/** Texts of both. @throws `ENGINE_UNSUPPORTED` for more states than a grammar should have, or steps */
export function both(a: Dfa, b: Dfa, steps: DfaSteps = new DfaSteps()): Dfa {
  return explore([0, 0] as readonly [number, number], {
    key: ([one, other]) => `${one} ${other}`,
    isEnd: ([one, other]) => a[one]!.isEnd && b[other]!.isEnd,
    *moves([one, other]) {
      for (const left of a[one]!.moves)
        for (const right of b[other]!.moves) {
          steps.take(left.set.length + right.set.length)
          const set = intersection(left.set, right.set)
          if (set.length > 0) yield { set, to: [left.to, right.to] as const }
        }
    },
  })
}

/** Without characters outside `set`, and without states from which no text ends: empty when none is left. */
export function restricted(dfa: Dfa, set: CodeSet): Dfa {
  const kept = dfa.map(({ isEnd, moves }) => ({
    isEnd,
    moves: moves.flatMap(({ set: own, to }) => {
      const rest = intersection(own, set)
      return rest.length > 0 ? [{ set: rest, to }] : []
    }),
  }))
  const before = kept.map((): number[] => [])
  for (const [from, { moves }] of kept.entries()) for (const { to } of moves) before[to]!.push(from)
  const alive = new Set([...kept.keys()].filter((state) => kept[state]!.isEnd))
  for (const state of alive) for (const from of before[state]!) alive.add(from)
  if (!alive.has(0)) return []
  const names = new Map([0, ...alive].map((state) => [state, 0]))
  for (const [index, state] of [...names.keys()].entries()) names.set(state, index)
  return [...names.keys()].map((state) => ({
    isEnd: kept[state]!.isEnd,
    moves: kept[state]!.moves.flatMap(({ set: own, to }) =>
      alive.has(to) ? [{ set: own, to: names.get(to)! }] : [],
    ),
  }))
}

interface Space<State> {
  key(state: State): string
  isEnd(state: State): boolean
  moves(state: State): Iterable<{ set: CodeSet; to: State }>
}

/** Numbers what can be reached, and joins moves to the same place. */
function explore<State>(start: State, space: Space<State>): Dfa {
  const numbers = new Map([[space.key(start), 0]])
  const waiting = [start]
  const states: DfaState[] = []
  for (const state of waiting) {
    const targets = new Map<number, CodeRange[]>()
    for (const { set, to } of space.moves(state)) {
      const key = space.key(to)
      let number = numbers.get(key)
      if (number === undefined) {
        if (numbers.size >= MAX_STATES) throw tooLarge()
        numbers.set(key, (number = numbers.size))
        waiting.push(to)
      }
      const ranges = targets.get(number)
      if (ranges) ranges.push(...set)
      else targets.set(number, [...set])
    }
    const moves = [...targets].map(([to, ranges]) => ({ set: codeSet(ranges), to }))
    states.push({ isEnd: space.isEnd(state), moves })
  }
  return states
}

function tooLarge(): Error {
  return unsupported('keyword pattern that asks for so much')
}
