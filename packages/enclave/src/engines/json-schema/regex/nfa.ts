import { unsupported } from '../refusals.ts'
import { type CodeSet, isIn } from './ranges.ts'
import type { Regex } from './parse.ts'

/** States with moves; `start` is 0. Counts are written out. */
export interface Nfa {
  readonly moves: readonly { readonly set: CodeSet; readonly to: number }[][]
  /** Moves without a character. */
  readonly free: readonly number[][]
  readonly end: number
}

/** States of one pattern at most. */
const MAX_STATES = 4000

/** Thompson's construction. @throws `ENGINE_UNSUPPORTED` for a pattern that counts too far in all */
export function nfaOf(regex: Regex): Nfa {
  const moves: { set: CodeSet; to: number }[][] = []
  const free: number[][] = []
  const state = (): number => {
    if (moves.length >= MAX_STATES) throw unsupported('keyword pattern that counts so far')
    moves.push([])
    return free.push([]) - 1
  }
  const build = (part: Regex, from: number): number => {
    switch (part.kind) {
      case 'set': {
        const to = state()
        moves[from]!.push({ set: part.set, to })
        return to
      }
      case 'sequence':
        return part.of.reduce((at, one) => build(one, at), from)
      case 'choice': {
        const to = state()
        for (const one of part.of) {
          const begin = state()
          free[from]!.push(begin)
          free[build(one, begin)]!.push(to)
        }
        return to
      }
      case 'repeat':
        return repeat(part, from)
    }
  }
  const repeat = ({ of, min, max }: Extract<Regex, { kind: 'repeat' }>, from: number): number => {
    let at = from
    for (let count = 0; count < min; count++) at = build(of, at)
    const to = state()
    if (max === undefined) {
      const loop = state()
      free[at]!.push(loop)
      free[build(of, loop)]!.push(loop)
      free[loop]!.push(to)
      return to
    }
    free[at]!.push(to)
    for (let count = min; count < max; count++) {
      at = build(of, at)
      free[at]!.push(to)
    }
    return to
  }
  const end = build(regex, state())
  return { moves, free, end }
}

/** States that are reached without a character, those given too; sorted. */
export function closure({ free }: Nfa, states: Iterable<number>): number[] {
  const reached = new Set(states)
  for (const state of reached) for (const to of free[state]!) reached.add(to)
  return [...reached].toSorted((a, b) => a - b)
}

/**
 * Whether a whole text is of a pattern, in time that grows with its length alone: all states are followed at once.
 * `step` is told of every state that is looked at.
 */
export function matches(nfa: Nfa, text: string, step: (count: number) => void): boolean {
  let states = closure(nfa, [0])
  step(states.length)
  for (const character of text) {
    const code = character.codePointAt(0)!
    const next = new Set<number>()
    for (const state of states) for (const { set, to } of nfa.moves[state]!) if (isIn(code, set)) next.add(to)
    if (next.size === 0) return false
    states = closure(nfa, next)
    step(states.length)
  }
  return states.includes(nfa.end)
}
