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

/** Numbers of a row from which copying by the engine is faster than by a loop. */
const LONG_ROW = 64
/** Rows whose first and last numbers are read before they are copied. */
const AHEAD = 32

/** Writes rows as a model reads them, one after the other, over what was there. */
export function fillRows(part: Part, rows: Uint32Array, into: Float32Array): void {
  const { columns, values, width } = part
  // Numbers alone are stored as they are read.
  const write = columns.length === width ? copyRows : encodeRows
  for (let from = 0; from < rows.length; from += AHEAD) {
    const to = Math.min(rows.length, from + AHEAD)
    touch(values, columns.length, rows, from, to)
    write(part, rows, from, to, into)
  }
}

/** Rows are far apart in memory: reading one of each, they come into the caches together and not one after the other. */
function touch(values: Float32Array, stride: number, rows: Uint32Array, from: number, to: number): void {
  let sum = 0
  for (let at = from; at < to; at++) {
    const first = rows[at]! * stride
    sum += values[first]! + values[first + stride - 1]!
  }
  // What is encoded is a number; asked, so that the reads are not left out as useless.
  if (!Number.isFinite(sum)) throw roomTrainError('ROOM_TRAIN_NOT_FINITE', 'a feature is no number')
}

function copyRows(
  { values, width }: Part,
  rows: Uint32Array,
  from: number,
  to: number,
  into: Float32Array,
): void {
  let place = from * width
  for (let at = from; at < to; at++) {
    const first = rows[at]! * width
    if (width >= LONG_ROW) {
      into.set(values.subarray(first, first + width), place)
      place += width
    } else for (let column = 0; column < width; column++) into[place++] = values[first + column]!
  }
}

function encodeRows(
  { columns, values, width }: Part,
  rows: Uint32Array,
  from: number,
  to: number,
  into: Float32Array,
): void {
  into.fill(0, from * width, to * width)
  for (let at = from; at < to; at++) {
    const first = rows[at]! * columns.length
    for (let column = 0; column < columns.length; column++) {
      const { kind, start } = columns[column]!
      const value = values[first + column]!
      if (kind === 'category') into[at * width + start + value] = 1
      else into[at * width + start] = value
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
