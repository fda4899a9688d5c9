import type { DfaState } from '../../json-schema/regex/dfa.ts'
import { type CodeSet, codeSet, complement, intersection, isIn } from '../../json-schema/regex/ranges.ts'

/** How JSON writes characters that cannot stand for themselves (RFC 8259 Section 7), where it has a short way. */
const ESCAPED: readonly (readonly [code: number, text: string])[] = [
  [0x08, 'b'],
  [0x09, 't'],
  [0x0a, 'n'],
  [0x0c, 'f'],
  [0x0d, 'r'],
  [0x22, '"'],
  [0x5c, '\\'],
]

/** Characters that stand for themselves between quotes: no control characters, and no halves of surrogate pairs. */
const PLAIN: CodeSet = intersection(
  complement([
    [0, 0x1f],
    [0x7f, 0x7f],
    [0xd8_00, 0xdf_ff],
  ]),
  complement(codeSet([0x22, 0x5c].map((code) => [code, code] as const))),
)

/** Characters that are ever written where a pattern decides. */
export const WRITTEN: CodeSet = codeSet([...PLAIN, ...ESCAPED.map(([code]) => [code, code] as const)])

/** The rule of one state of an automaton, whose moves are within {@link WRITTEN}. */
export function stateRule(isEnd: boolean, moves: DfaState['moves'], name: (state: number) => string): string {
  const parts = moves.flatMap(({ set, to }) => {
    const plain = intersection(set, PLAIN)
    const escaped = ESCAPED.filter(([code]) => isIn(code, set)).map(
      ([, text]) => String.raw`"\\${text === '"' || text === '\\' ? `\\${text}` : text}"`,
    )
    return [...(plain.length > 0 ? [characterClass(plain)] : []), ...escaped].map(
      (one) => `${one} ${name(to)}`,
    )
  })
  return [...(isEnd ? ['""'] : []), ...parts].join(' | ')
}

function characterClass(set: CodeSet): string {
  const ranges = set.map(([first, last]) => (first === last ? said(first) : `${said(first)}-${said(last)}`))
  return `[${ranges.join('')}]`
}

/** Always by number: no character means anything to the grammar then. */
function said(code: number): string {
  const digits = code.toString(16).toUpperCase()
  return code > 0xff_ff ? `\\U${digits.padStart(8, '0')}` : `\\u${digits.padStart(4, '0')}`
}
