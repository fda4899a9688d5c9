import type { Column } from '@sotto/protocol/contract'
import type { DataSpec, TableSource } from '../../src/train/index.ts'

/** A table in CSV. */
export function csv(
  name: string,
  columns: readonly Column[],
  rows: readonly (readonly (string | number)[])[],
): TableSource {
  const text = [columns.map((column) => column.name), ...rows].map((row) => `${row.join(',')}\n`).join('')
  return { name, media: 'csv', bytes: Buffer.from(text), columns }
}

/** Two numbers, a category, and a label that mostly follows from them; the same rows for the same seed. */
export function madeUp(
  name: string,
  rows: number,
  seed: number,
  over: Partial<TableSource> = {},
): TableSource {
  let state = seed
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  const columns: Column[] = [
    { name: 'age', type: 'integer' },
    { name: 'sum', type: 'number' },
    { name: 'kind', type: 'text' },
    { name: 'who', type: 'text' },
    { name: 'bad', type: 'boolean' },
  ]
  const lines = Array.from({ length: rows }, (_, row) => {
    const age = Math.floor(random() * 80)
    const sum = random() * 1000
    const kind = ['a', 'b', 'c'][Math.floor(random() * 3)]!
    const isBad = age / 80 + sum / 1000 + (kind === 'a' ? 0.5 : 0) + (random() - 0.5) * 0.4 > 1.2
    return [age, sum.toFixed(3), kind, `w${row % Math.ceil(rows / 4)}`, String(isBad)]
  })
  return { ...csv(name, columns, lines), ...over }
}

/** How {@link madeUp} is read: 6 places. */
export const MADE_UP: DataSpec = {
  features: [
    { column: 'age', kind: 'number', min: 0, max: 80, decimals: 0 },
    { column: 'sum', kind: 'number', min: 0, max: 10_000, decimals: 1 },
    { column: 'kind', kind: 'category', values: ['a', 'b', 'c'] },
  ],
  label: { column: 'bad', kind: 'category', values: ['false', 'true'] },
  isPrivate: false,
}
export const MADE_UP_WIDTH = 6
