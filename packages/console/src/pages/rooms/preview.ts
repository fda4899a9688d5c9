/** How an output is shown. Whoever wrote the code that made it controls every byte of it. */
export type Preview =
  | {
      kind: 'table'
      columns: readonly { name: string; type: string }[]
      rows: readonly string[][]
      total: number
    }
  | { kind: 'items'; items: readonly { item: string; text: string }[]; total: number }
  | { kind: 'text'; text: string; isCut: boolean }
  | { kind: 'binary' }

/** Rows and items that are shown at most. */
export const MAX_SHOWN_ROWS = 200
const MAX_COLUMNS = 256
const MAX_CELL_CHARACTERS = 500
const MAX_TEXT_CHARACTERS = 20_000
/** Of the beginning: more than is shown of any table that people look at. */
const MAX_READ_BYTES = 1024 * 1024
const LINE_FEED = 0x0a
/** What has no shape, or turns around what stands beside it. Joiners are letters of some languages. */
const UNPRINTABLE = /[[\p{Cc}\p{Zl}\p{Zp}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069\uFEFF]--[\t\n]]/gv

/** What can be shown of an output: a table or items, where every line that is read is of one. It never throws. */
export function previewOf(content: Uint8Array): Preview {
  const text = textOf(content)
  if (text === undefined) return { kind: 'binary' }
  const lines = linesOf(text, content.length > MAX_READ_BYTES)
  return tableOf(lines, content) ?? itemsOf(lines, content) ?? plainOf(text, content)
}

/** The beginning as text; undefined where it is none. */
function textOf(content: Uint8Array): string | undefined {
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true })
    const text = decoder.decode(content.subarray(0, MAX_READ_BYTES), {
      stream: content.length > MAX_READ_BYTES,
    })
    return text.includes('\0') ? undefined : text
  } catch {
    return undefined
  }
}

/** Whole lines. */
function linesOf(text: string, isCut: boolean): string[] {
  const lines = text.split('\n')
  if (isCut || lines.at(-1) === '') lines.pop()
  return lines
}

function tableOf([first = '', ...rest]: readonly string[], content: Uint8Array): Preview | undefined {
  const header = jsonOf(first)
  if (!isObject(header) || !Array.isArray(header['columns'])) return undefined
  const columns: { name: string; type: string }[] = []
  for (const column of header['columns'] as unknown[]) {
    if (!isObject(column) || typeof column['name'] !== 'string' || typeof column['type'] !== 'string')
      return undefined
    columns.push({ name: shown(column['name']), type: shown(column['type']) })
  }
  if (columns.length === 0 || columns.length > MAX_COLUMNS) return undefined
  const rows: string[][] = []
  for (const line of rest.slice(0, MAX_SHOWN_ROWS)) {
    const row = jsonOf(line)
    if (!Array.isArray(row) || row.length !== columns.length) return undefined
    rows.push(row.map(cellOf))
  }
  return { kind: 'table', columns, rows, total: countLines(content) - 1 }
}

function itemsOf(lines: readonly string[], content: Uint8Array): Preview | undefined {
  const items: { item: string; text: string }[] = []
  for (const line of lines.slice(0, MAX_SHOWN_ROWS)) {
    const value = jsonOf(line)
    if (!isObject(value) || !Number.isSafeInteger(value['item'])) return undefined
    const { item, ...said } = value
    const [only, ...others] = Object.entries(said)
    if (only === undefined) return undefined
    items.push({ item: String(item), text: others.length === 0 ? cellOf(only[1]) : cellOf(said) })
  }
  return items.length === 0 ? undefined : { kind: 'items', items, total: countLines(content) }
}

function plainOf(text: string, content: Uint8Array): Preview {
  const isCut = text.length > MAX_TEXT_CHARACTERS || content.length > MAX_READ_BYTES
  return { kind: 'text', text: clean(text.slice(0, MAX_TEXT_CHARACTERS)), isCut }
}

function cellOf(value: unknown): string {
  if (value === null) return ''
  return shown(typeof value === 'string' ? value : JSON.stringify(value))
}

function shown(text: string): string {
  const isLong = text.length > MAX_CELL_CHARACTERS
  return clean(isLong ? `${text.slice(0, MAX_CELL_CHARACTERS - 1)}…` : text)
}

function clean(text: string): string {
  return text.toWellFormed().replaceAll('\r\n', '\n').replaceAll(UNPRINTABLE, '\uFFFD')
}

function countLines(content: Uint8Array): number {
  let lines = 0
  for (let at = content.indexOf(LINE_FEED); at !== -1; at = content.indexOf(LINE_FEED, at + 1)) lines++
  return content.length > 0 && content.at(-1) !== LINE_FEED ? lines + 1 : lines
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line) as unknown
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
