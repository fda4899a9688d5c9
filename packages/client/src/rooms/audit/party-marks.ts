/** How a party is told from others: a colour, and a pattern for those who see no colours. */
export interface PartyMark {
  /** In light, and in dark. */
  light: string
  dark: string
  pattern: Pattern
}

const PATTERNS = ['plain', 'falling', 'dots', 'level', 'rising', 'upright', 'checks', 'waves'] as const
export type Pattern = (typeof PATTERNS)[number]

/** Each at 3:1 or more to the card that it is on. */
const COLOURS: readonly (readonly [light: string, dark: string])[] = [
  ['#1f6f9f', '#74bdea'],
  ['#b4540a', '#f0a35e'],
  ['#2c7a4b', '#6fcf97'],
  ['#8a3d96', '#d79be0'],
  ['#a3283c', '#f08a9b'],
  ['#6b6a12', '#cfcb5c'],
  ['#3f51b5', '#9fa8ff'],
  ['#4f5b66', '#b6c2cd'],
]

/** One for each party of the largest contract: no two have both the same colour and the same pattern. */
export const PARTY_MARKS: readonly PartyMark[] = Array.from({ length: 16 }, (_, at) => {
  const [light, dark] = COLOURS[at % COLOURS.length]!
  return { light, dark, pattern: PATTERNS[(at + 3 * Math.floor(at / COLOURS.length)) % PATTERNS.length]! }
})

/** What is drawn over the colour, in a tile of eight units. */
export const PATTERN_SHAPES: Readonly<Record<Pattern, string>> = {
  plain: '',
  falling: '<path d="M-2 -2L10 10M-2 6L2 10M6 -2L10 2"/>',
  dots: '<path d="M2 2h.01M6 6h.01"/>',
  level: '<path d="M0 2H8M0 6H8"/>',
  rising: '<path d="M-2 10L10 -2M-2 2L2 -2M6 10L10 6"/>',
  upright: '<path d="M2 0V8M6 0V8"/>',
  checks: '<path d="M0 2H4M4 6H8"/>',
  waves: '<path d="M0 4Q2 0 4 4T8 4"/>',
}
