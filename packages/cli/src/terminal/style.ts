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
