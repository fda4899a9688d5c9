import { roomTrainError } from '../errors.ts'
import { columnsOf, encodeFeatures, type FeatureColumn, labelOf, requireFeatures } from './features.ts'
import { readTable, type Table } from './read-table.ts'
import type { DataSpec, TableSource } from './types.ts'
import { contributorOf, contributorUnits, rowUnits, type Units } from './units.ts'

/** Rows of one input, as a model reads them. */
export interface Part {
  readonly name: string
  readonly rows: number
  /** Places of a row. */
  readonly width: number
  readonly columns: readonly FeatureColumn[]
  /** Of each row, of each column: a scaled number, or the place of a category. */
  readonly values: Float32Array
  /** Scaled number, or place of the class. */
  readonly labels: Float32Array
  readonly units: Units
}

/**
 * Reads the columns of a table that a training needs.
 * @throws `ROOM_TRAIN_FORMAT`, `ROOM_TRAIN_COLUMN`, `ROOM_TRAIN_TYPE`, `ROOM_TRAIN_SETTINGS`, `ROOM_TRAIN_TOO_LARGE`
 */
export function readFor(source: TableSource, spec: DataSpec): Table {
  requireFeatures([spec.label])
  requireFeatures(spec.features)
  const columns = [...spec.features, spec.label].map(({ column }) => column)
  if (new Set(columns).size !== columns.length)
    throw roomTrainError('ROOM_TRAIN_SETTINGS', 'a column is a feature or the label, once')
  const { contributor } = source
  return readTable(
    source,
    new Set(contributor === undefined ? columns : [...columns, contributor]),
    spec.isPrivate,
  )
}

/**
 * Rows of a table, encoded.
 * @param rows which; default all
 * @throws `ROOM_TRAIN_TYPE` for a row without a label that is listed or without a contributor, unless a guarantee is given
 */
export function encodePart(table: Table, spec: DataSpec, rows?: Uint32Array): Part {
  const width = requireFeatures(spec.features)
  const label = labelOf(table, spec.label)
  const ownerOf = contributorOf(table)
  const kept: number[] = []
  const labels: number[] = []
  const owners: string[] = []
  for (const row of rows ?? Uint32Array.from({ length: table.rows }, (_, at) => at)) {
    const target = label(row)
    const owner = ownerOf(row)
    if (target !== undefined && owner !== undefined) {
      kept.push(row)
      labels.push(target)
      if (table.contributor !== undefined) owners.push(owner)
    } else if (!spec.isPrivate)
      throw roomTrainError(
        'ROOM_TRAIN_TYPE',
        target === undefined
          ? `table ${table.name} has in column ${spec.label.column} a label that is not listed, or none`
          : `table ${table.name} has a row of no contributor`,
      )
  }
  const taken = Uint32Array.from(kept)
  return {
    name: table.name,
    rows: taken.length,
    width,
    columns: columnsOf(spec.features),
    values: encodeFeatures(table, spec.features, taken),
    labels: Float32Array.from(labels),
    units: table.contributor === undefined ? rowUnits(taken.length) : contributorUnits(owners),
  }
}

/** Writes rows as a model reads them, one after the other, over zeros. */
export function fillRows({ columns, values, width }: Part, rows: Uint32Array, into: Float32Array): void {
  const starts = Uint32Array.from(columns, ({ start }) => start)
  const isCategory = Uint8Array.from(columns, ({ kind }) => Number(kind === 'category'))
  for (let at = 0; at < rows.length; at++) {
    const from = rows[at]! * starts.length
    const to = at * width
    for (let column = 0; column < starts.length; column++) {
      const value = values[from + column]!
      if (isCategory[column]) into[to + starts[column]! + value] = 1
      else into[to + starts[column]!] = value
    }
  }
}

/**
 * Refuses what nothing can be learned from. Without a guarantee only: how many rows there are, and of which class, is data.
 * @throws `ROOM_TRAIN_EMPTY` for an input without rows, `ROOM_TRAIN_ONE_CLASS`
 */
export function requireLearnable(parts: readonly Part[], spec: DataSpec): void {
  if (spec.isPrivate) return
  for (const { name, rows } of parts)
    if (rows === 0) throw roomTrainError('ROOM_TRAIN_EMPTY', `table ${name} has no row to train on`)
  if (parts.length === 0) throw roomTrainError('ROOM_TRAIN_EMPTY', 'there is no table to train on')
  const first = parts[0]!.labels[0]
  if (spec.label.kind === 'category' && parts.every(({ labels }) => labels.every((label) => label === first)))
    throw roomTrainError('ROOM_TRAIN_ONE_CLASS', `all labels in column ${spec.label.column} are of one class`)
}
