import type { Table } from './read-table.ts'

/** Rows of one input, as far as chance and steps know them; what a row is, the session knows that reads it. */
export interface Examples {
  readonly rows: number
  readonly units: Units
}

/** Who is protected, and which rows are whose: one row each, or those of one contributor. */
export interface Units {
  readonly count: number
  /** Whether unit n is row n, and that row only. */
  readonly areRows: boolean
  /** Rows of a unit. */
  rowsOf(unit: number): Uint32Array
}

/** Each row is a unit of its own. */
export function rowUnits(count: number): Units {
  return { count, areRows: true, rowsOf: (unit) => Uint32Array.of(unit) }
}

/**
 * Units of contributors: those of equal text in one table. The same person in the tables of two owners is two units, as
 * everywhere in rooms: a guarantee is for each person of each owner.
 * @param owners who contributed each row
 */
export function contributorUnits(owners: readonly string[]): Units {
  const units = new Map<string, number[]>()
  for (const [row, owner] of owners.entries()) {
    const rows = units.get(owner)
    if (rows) rows.push(row)
    else units.set(owner, [row])
  }
  const all = Array.from(units.values(), (rows) => Uint32Array.from(rows))
  return { count: all.length, areRows: false, rowsOf: (unit) => all[unit]! }
}

/** Who contributed a row, in words; undefined where nobody did. Without a column of contributors, the row itself. */
export function contributorOf(table: Table): (row: number) => string | undefined {
  const cells = table.contributor === undefined ? undefined : table.columns.get(table.contributor)
  return cells ? (row) => cells.textAt(row) : String
}
