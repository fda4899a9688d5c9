/** Wraps text in ANSI colours, or leaves it alone. */
export interface Style {
  bold(text: string): string
  dim(text: string): string
  red(text: string): string
  green(text: string): string
  yellow(text: string): string
}

const CODES = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39] } as const

/** Colours when `enabled`, else the text as it is. */
export function createStyle(enabled: boolean): Style {
  const paint =
    (name: keyof typeof CODES) =>
    (text: string): string =>
      enabled ? `\u001B[${CODES[name][0]}m${text}\u001B[${CODES[name][1]}m` : text
  return {
    bold: paint('bold'),
    dim: paint('dim'),
    red: paint('red'),
    green: paint('green'),
    yellow: paint('yellow'),
  }
}

/**
 * Whether to colour a stream: `--no-color` and a non-empty `NO_COLOR` win, then `CLICOLOR_FORCE`
 * (other than `0`), then whether it is a terminal that is not `TERM=dumb`.
 */
export function wantsColor(
  flag: boolean,
  env: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
): boolean {
  if (!flag || (env['NO_COLOR'] ?? '') !== '') return false
  const force = env['CLICOLOR_FORCE']
  if (force !== undefined && force !== '' && force !== '0') return true
  return isTerminal && env['TERM'] !== 'dumb'
}

/**
 * What can move the cursor, hide text or turn it around: control characters but tab and newline, format
 * characters (bidi controls, zero-width ones, tags), and the separators that some terminals begin a line at.
 */
const UNPRINTABLE = /[^\P{Cc}\t\n]|[\p{Cf}\p{Zl}\p{Zp}]/gu
/** They join or part the letters beside them: Persian and emoji are not written without. */
const JOINERS: ReadonlySet<string> = new Set(['\u200C', '\u200D'])

/**
 * Replaces what is not for printing. The operator controls names and messages it sends; on a terminal an
 * escape sequence in them could draw a green tick over a red cross, and U+202E turns what follows around.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => (JOINERS.has(character) ? character : '\uFFFD'))
}

/** {@link printable} on one line, joiners too: no text from outside may start a line of its own, or pass for another name. */
export function printableLine(text: string): string {
  return text.replace(UNPRINTABLE, '\uFFFD').replaceAll(/[\t\n]/g, ' ')
}

/** JSON that says the same to a program, and moves no cursor where a person looks at it. */
export function printableJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(UNPRINTABLE, (character) =>
    [...Array(character.length).keys()]
      .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}
