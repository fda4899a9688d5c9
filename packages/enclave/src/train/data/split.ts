import { coin } from '../random/sample.ts'
import type { Chance } from '../random/streams.ts'
import type { Table } from './read-table.ts'
import { contributorOf } from './units.ts'

/** Rows to train on, and rows to measure with. */
export interface Split {
  readonly train: Uint32Array
  readonly validation: Uint32Array
}

/**
 * Divides a table by chance: all rows of a contributor go to the same side, so that nobody is measured by rows like those
 * that were trained on.
 * @param validationNanos probability of a contributor to be measured with, in billionths: 0 to 1000000000
 * @param part place of the table among the inputs: each is divided by chance of its own
 */
export function splitTable(table: Table, validationNanos: number, chance: Chance, part: number): Split {
  const isMeasuredNow = coin(chance.stream('split', 0, part), validationNanos)
  const ownerOf = contributorOf(table)
  const sides = new Map<string, boolean>()
  const train: number[] = []
  const validation: number[] = []
  for (let row = 0; row < table.rows; row++) {
    const owner = table.contributor === undefined ? undefined : ownerOf(row)
    let isMeasured = owner === undefined ? undefined : sides.get(owner)
    if (isMeasured === undefined) {
      isMeasured = isMeasuredNow()
      if (owner !== undefined) sides.set(owner, isMeasured)
    }
    const side = isMeasured ? validation : train
    side.push(row)
  }
  return { train: Uint32Array.from(train), validation: Uint32Array.from(validation) }
}
