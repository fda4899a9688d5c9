import { roomTrainError } from '../errors.ts'
import { type Cells, NumberCells } from './cells.ts'
import type { Table } from './read-table.ts'
import type { Feature } from './types.ts'

/** Places of all features together: past it a table of one-hot columns is no longer a small model's. */
const MAX_WIDTH = 65_536
const MAX_DECIMALS = 9

/** Where a model finds a feature in a row. */
export interface FeatureColumn {
  readonly kind: Feature['kind']
  /** Its first place, and how many it has: 1 of a number, of a category one of each value and one for all others. */
  readonly start: number
  readonly width: number
}

/**
 * Checks features as the contract states them, before any data are seen.
 * @returns places of a row
 * @throws `ROOM_TRAIN_SETTINGS` for bounds that are none, values that are listed twice, and too many of them
 */
export function requireFeatures(features: readonly Feature[]): number {
  let width = 0
  for (const feature of features) {
    if (feature.kind === 'number') {
      const { min, max, decimals } = feature
      if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max) || min >= max)
        throw wrong(feature, 'has no bounds')
      if (!Number.isInteger(decimals) || decimals < 0 || decimals > MAX_DECIMALS)
        throw wrong(feature, 'has no number of decimals')
    } else if (feature.values.length === 0 || new Set(feature.values).size !== feature.values.length)
      throw wrong(feature, 'has no values, or one twice')
    width += widthOf(feature)
    if (width > MAX_WIDTH) throw wrong(feature, `is past ${MAX_WIDTH} places`)
  }
  if (features.length === 0) throw roomTrainError('ROOM_TRAIN_SETTINGS', 'a model reads at least one column')
  return width
}

/** Where the features of a row are. */
export function columnsOf(features: readonly Feature[]): FeatureColumn[] {
  let start = 0
  return features.map((feature) => {
    const column = { kind: feature.kind, start, width: widthOf(feature) }
    start += column.width
    return column
  })
}

/**
 * Features of these rows of a table, row after row: of each its scaled number, or which place it has a 1 in.
 * @throws `ROOM_TRAIN_TYPE` for a number feature of a column that has none
 */
export function encodeFeatures(table: Table, features: readonly Feature[], rows: Uint32Array): Float32Array {
  const values = new Float32Array(rows.length * features.length)
  for (const [at, feature] of features.entries()) {
    const cells = table.columns.get(feature.column)!
    const encode =
      feature.kind === 'number'
        ? scaleOf(feature, requireNumbers(table, feature, cells))
        : placesOf(feature, cells)
    for (let row = 0; row < rows.length; row++) values[row * features.length + at] = encode(rows[row]!)
  }
  return values
}

/**
 * The label of a row: its scaled number or the place of its class; undefined where the row has none that is listed.
 * @throws `ROOM_TRAIN_TYPE`
 */
export function labelOf(table: Table, label: Feature): (row: number) => number | undefined {
  const cells = table.columns.get(label.column)!
  if (label.kind === 'category') {
    const placeOf = placesOf(label, cells)
    return (row) => {
      const place = placeOf(row)
      return place < label.values.length ? place : undefined
    }
  }
  const numbers = requireNumbers(table, label, cells)
  const scale = scaleOf(label, numbers)
  return (row) => (Number.isNaN(numbers.at(row)) ? undefined : scale(row))
}

function widthOf(feature: Feature): number {
  return feature.kind === 'number' ? 1 : feature.values.length + 1
}

function scaleOf(
  { min, max, decimals }: Feature & { kind: 'number' },
  cells: NumberCells,
): (row: number) => number {
  const unit = 10 ** decimals
  return (row) => {
    const value = cells.at(row) * unit
    if (Number.isNaN(value)) return 0
    return Math.min(1, Math.max(-1, (2 * (value - min)) / (max - min) - 1))
  }
}

function placesOf({ values }: Feature & { kind: 'category' }, cells: Cells): (row: number) => number {
  const places = new Map(values.map((value, at) => [value, at]))
  return (row) => {
    const text = cells.textAt(row)
    return (text === undefined ? undefined : places.get(text)) ?? values.length
  }
}

function requireNumbers(table: Table, { column }: Feature, cells: Cells): NumberCells {
  if (cells instanceof NumberCells) return cells
  throw roomTrainError('ROOM_TRAIN_TYPE', `table ${table.name}: column ${column} has no numbers`)
}

function wrong({ column }: Feature, words: string): Error {
  return roomTrainError('ROOM_TRAIN_SETTINGS', `the feature of column ${column} ${words}`)
}
