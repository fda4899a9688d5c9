import type { Column } from '@sotto/protocol/contract'

/** Values of one column, in the order of the rows. */
export type Cells = NumberCells | TextCells

/** Most values that different rows share one string of: identities are as many as rows, and shared by none. */
const MAX_SHARED = 65_536

/** Numbers, whole numbers, and booleans as 0 and 1. */
export class NumberCells {
  readonly type: Column['type']
  #values = new Float64Array(1024)
  length = 0

  constructor(type: Column['type']) {
    this.type = type
  }

  /** NaN where a row has none. */
  at(row: number): number {
    return this.#values[row]!
  }

  /** The value in words, as categories and contributors are told apart; undefined where a row has none. */
  textAt(row: number): string | undefined {
    const value = this.at(row)
    if (Number.isNaN(value)) return undefined
    return this.type === 'boolean' ? String(value === 1) : String(value)
  }

  push(value: number): void {
    if (this.length === this.#values.length) {
      const grown = new Float64Array(this.length * 2)
      grown.set(this.#values)
      this.#values = grown
    }
    this.#values[this.length++] = value
  }
}

/** Texts, dates and times. */
export class TextCells {
  readonly type: Column['type']
  readonly #values: (string | undefined)[] = []
  readonly #shared = new Map<string, string>()

  constructor(type: Column['type']) {
    this.type = type
  }

  get length(): number {
    return this.#values.length
  }

  textAt(row: number): string | undefined {
    return this.#values[row]
  }

  push(value: string | undefined): void {
    if (value === undefined || this.#shared.size >= MAX_SHARED) {
      this.#values.push(value)
      return
    }
    let shared = this.#shared.get(value)
    if (shared === undefined) this.#shared.set(value, (shared = value))
    this.#values.push(shared)
  }
}

/** Cells for a column, still without rows. */
export function cellsOf({ type }: Column): Cells {
  return type === 'number' || type === 'integer' || type === 'boolean'
    ? new NumberCells(type)
    : new TextCells(type)
}

/**
 * Adds what a row says. `null` is none.
 * @returns false for what is not of the column's type, which counts as none
 */
export function pushCell(cells: Cells, value: unknown): boolean {
  if (cells instanceof NumberCells) {
    const number = value === null ? NaN : numberOf(cells.type, value)
    cells.push(number ?? NaN)
    return number !== undefined
  }
  const isText = typeof value === 'string' && (cells.type === 'text' || DAYS.test(value))
  cells.push(isText ? value : undefined)
  return isText || value === null
}

/** Dates and times as RFC 3339 writes them, with a space allowed for the T. */
const DAYS = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})?)?$/

function numberOf(type: Column['type'], value: unknown): number | undefined {
  if (type === 'boolean') return typeof value === 'boolean' ? Number(value) : undefined
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined
  return type === 'integer' && !Number.isSafeInteger(value) ? undefined : value
}

const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?$/
const MAX_NUMBER_LENGTH = 64

/** What the text of a CSV cell says in a column of this type: nothing is none, and another type stays text. */
export function readText(type: Column['type'], text: string): unknown {
  if (text === '') return null
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  if (type !== 'number' && type !== 'integer') return text
  return text.length <= MAX_NUMBER_LENGTH && NUMBER.test(text) ? Number(text) : text
}
