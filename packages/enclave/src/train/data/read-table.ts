import type { Column } from '@sotto/protocol/contract'
import { roomTrainError, type RoomTrainErrorCode } from '../errors.ts'
import { type Cells, cellsOf, pushCell, readText } from './cells.ts'
import { cellBytes, type CsvRecord, walkCsv } from './csv.ts'
import type { TableSource } from './types.ts'

/** A table of agreed columns. */
export interface Table {
  readonly name: string
  readonly rows: number
  /** The columns that were asked for. */
  readonly columns: ReadonlyMap<string, Cells>
  readonly contributor: string | undefined
}

/** Rows are counted in 32 bits with room to spare; a trainer's memory ends long before. */
const MAX_ROWS = 100_000_000

/**
 * Reads the columns that are asked for.
 * @param isPrivate whether cells that are not of their type count as none, instead of being refused: see `DataSpec`
 * @throws `ROOM_TRAIN_FORMAT`, `ROOM_TRAIN_COLUMN`, `ROOM_TRAIN_TYPE`, `ROOM_TRAIN_TOO_LARGE`
 */
export function readTable(source: TableSource, wanted: ReadonlySet<string>, isPrivate: boolean): Table {
  for (const name of wanted)
    if (!source.columns.some((column) => column.name === name))
      throw refused(source, 'ROOM_TRAIN_COLUMN', `has no column ${name} in the contract`)
  const columns = source.columns
    .filter(({ name }) => wanted.has(name))
    .map((column) => ({ column, cells: cellsOf(column) }))
  const push = (at: number, value: unknown): void => {
    const { column, cells } = columns[at]!
    if (!pushCell(cells, value) && !isPrivate)
      throw refused(source, 'ROOM_TRAIN_TYPE', `holds in column ${column.name} what is no ${column.type}`)
  }
  const wantedColumns = columns.map(({ column }) => column)
  const rows =
    source.media === 'csv'
      ? readCsv(source, wantedColumns, push)
      : readJsonLines(source, wantedColumns, push, isPrivate)
  return {
    name: source.name,
    rows,
    columns: new Map(columns.map(({ column, cells }) => [column.name, cells])),
    contributor: source.contributor,
  }
}

type Push = (at: number, value: unknown) => void

function readCsv(source: TableSource, wanted: readonly Column[], push: Push): number {
  const { bytes } = source
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const cell = (record: CsvRecord, at: number): string => decoder.decode(cellBytes(bytes, record, at))
  let places: number[] | undefined
  let rows = 0
  try {
    const isWhole = walkCsv(bytes, (record) => {
      if (record.starts.length !== source.columns.length && places)
        throw refused(source, 'ROOM_TRAIN_FORMAT', 'has a line of more or fewer cells than columns')
      if (!places) {
        const names = record.starts.map((_, at) => cell(record, at))
        requireColumns(source, names)
        places = wanted.map(({ name }) => names.indexOf(name))
        return
      }
      requireRoom(source, ++rows)
      for (let at = 0; at < wanted.length; at++)
        push(at, readText(wanted[at]!.type, cell(record, places[at]!)))
    })
    if (!isWhole) throw refused(source, 'ROOM_TRAIN_FORMAT', 'is no CSV')
  } catch (error) {
    // The decoder's words would quote nothing, and name nobody.
    if (error instanceof TypeError) throw refused(source, 'ROOM_TRAIN_FORMAT', 'is no UTF-8')
    throw error
  }
  if (!places) throw refused(source, 'ROOM_TRAIN_COLUMN', 'has no line of column names')
  return rows
}

function readJsonLines(
  source: TableSource,
  wanted: readonly Column[],
  push: Push,
  isPrivate: boolean,
): number {
  const { bytes } = source
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let rows = 0
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(0x0a, at)
    const line = bytes.subarray(at, end < 0 ? bytes.length : end)
    at += line.length + 1
    if (line.length === 0) continue
    let row: unknown
    try {
      row = JSON.parse(decoder.decode(line))
    } catch {
      throw refused(source, 'ROOM_TRAIN_FORMAT', 'has a line that is no JSON')
    }
    if (typeof row !== 'object' || row === null || Array.isArray(row))
      throw refused(source, 'ROOM_TRAIN_FORMAT', 'has a line that is no object')
    // Which members a row has is data.
    if (!isPrivate) requireColumns(source, Object.keys(row))
    requireRoom(source, ++rows)
    for (let column = 0; column < wanted.length; column++) {
      const { name } = wanted[column]!
      push(column, Object.hasOwn(row, name) ? (row as Record<string, unknown>)[name] : null)
    }
  }
  return rows
}

function requireColumns(source: TableSource, names: readonly string[]): void {
  const missing = source.columns.find(({ name }) => !names.includes(name))
  if (missing) throw refused(source, 'ROOM_TRAIN_COLUMN', `lacks the column ${missing.name}`)
  if (names.length !== source.columns.length)
    throw refused(source, 'ROOM_TRAIN_COLUMN', 'has a column that is not in the contract')
}

function requireRoom(source: TableSource, rows: number): void {
  if (rows > MAX_ROWS) throw refused(source, 'ROOM_TRAIN_TOO_LARGE', `has more than ${MAX_ROWS} rows`)
}

function refused({ name }: TableSource, code: RoomTrainErrorCode, words: string): Error {
  return roomTrainError(code, `table ${name} ${words}`)
}
