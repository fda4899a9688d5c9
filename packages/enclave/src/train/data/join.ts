import type { Column } from '@sotto/protocol/contract'
import { roomTrainError, type RoomTrainErrorCode } from '../errors.ts'
import { choose } from '../random/sample.ts'
import type { Chance } from '../random/streams.ts'
import { cellsOf, NumberCells } from './cells.ts'
import { requireFeatures } from './features.ts'
import { readTable, type Table } from './read-table.ts'
import type { DataSpec, TableSource } from './types.ts'

/** One table of a join. */
export interface JoinTable {
  readonly source: TableSource
  /**
   * Columns that together say who a row is of, in the order of the other tables': 1 to 8 whole numbers, texts or dates.
   * Texts are compared as they are, letter by letter.
   */
  readonly keys: readonly string[]
}

const MAX_TABLES = 32
const MAX_KEYS = 8
/** Numbers with fractions have several ways to be written, booleans are nobody's key. */
const KEY_TYPES: ReadonlySet<Column['type']> = new Set(['integer', 'text', 'date'])
/** Keys of one table: the engine's maps end at 2^24. */
const MAX_ROWS = 16_000_000
/** Rows times columns of the result: 2 GiB of numbers. */
const MAX_CELLS = 2 ** 28
/** The row of a key that is there more than once. */
const TWICE = -1

/**
 * Reads tables of other columns about the same people, and makes one of them: a row for each key that every table has. Rows
 * without a key are none. Their order is drawn from the run's secret over the sorted keys: it depends on no table's order,
 * and tells nothing.
 *
 * With a guarantee nothing about keys is refused; a key that a table has twice is none there. So a row of any table decides
 * about one row of the result: that of its key. One row more in one table is one row more or one less in the result, and
 * rows are the units. A contributor of several rows would decide about several, and is refused.
 *
 * @param tables 2 to 32. Each column that is wanted is in one of them only, and is no key.
 * @param maxCells of the result; with a guarantee, of as many rows as the shortest table has
 * @throws `ROOM_TRAIN_SETTINGS`, `ROOM_TRAIN_COLUMN`, `ROOM_TRAIN_TYPE`, `ROOM_TRAIN_FORMAT`, `ROOM_TRAIN_TOO_LARGE`;
 *   `ROOM_TRAIN_KEY` for a key that is there twice, by name of the table; `ROOM_TRAIN_PRIVACY` for units that are not rows
 */
export function readJoined(
  tables: readonly JoinTable[],
  spec: DataSpec,
  chance: Chance,
  maxCells: number = MAX_CELLS,
): Table {
  requireKeys(tables)
  const wanted = wantedOf(tables, spec)
  const owner = ownerOf(tables, spec.isPrivate)
  const read = tables.map(({ source, keys }, at) => {
    const own = new Set(wanted[at])
    if (owner?.at === at) own.add(owner.column)
    const table = readTable(source, new Set([...own, ...keys]), spec.isPrivate)
    return { table, own, rows: rowsByKey(table, keys, spec.isPrivate) }
  })
  const [first, ...others] = read
  const common: string[] = []
  for (const [key, row] of first!.rows)
    if (row !== TWICE && others.every(({ rows }) => (rows.get(key) ?? TWICE) !== TWICE)) common.push(key)
  const width = read.reduce((sum, { own }) => sum + own.size, 0)
  // How many keys are common tells of each of them: with a guarantee it is not that number which is refused.
  const most = spec.isPrivate ? Math.min(...read.map(({ table }) => table.rows)) : common.length
  if (most * width > maxCells)
    throw refused(nameOf(tables), 'ROOM_TRAIN_TOO_LARGE', `have together more than ${maxCells} cells`)
  common.sort()
  const order = choose(chance.stream('join', 0), Uint32Array.from(common.keys()), common.length)
  const columns = read.flatMap(({ table, own, rows }) => {
    const taken = Uint32Array.from(order, (place) => rows.get(common[place]!)!)
    return [...own].map((name) => [name, takeCells(table, name, taken)] as const)
  })
  return {
    name: nameOf(tables),
    rows: common.length,
    columns: new Map(columns),
    contributor: owner?.column,
  }
}

function requireKeys(tables: readonly JoinTable[]): void {
  const [first] = tables
  if (!first || tables.length < 2 || tables.length > MAX_TABLES)
    throw roomTrainError('ROOM_TRAIN_SETTINGS', 'a join is of 2 to 32 tables')
  if (new Set(tables.map(({ source }) => source.name)).size !== tables.length)
    throw roomTrainError('ROOM_TRAIN_SETTINGS', 'a table is joined once')
  const types = tables.map(({ source, keys }) => {
    if (keys.length === 0 || keys.length > MAX_KEYS || new Set(keys).size !== keys.length)
      throw roomTrainError('ROOM_TRAIN_SETTINGS', `table ${source.name}: a key has 1 to ${MAX_KEYS} columns`)
    return keys.map((key) => {
      const type = source.columns.find(({ name }) => name === key)?.type
      if (type === undefined)
        throw refused(`table ${source.name}`, 'ROOM_TRAIN_COLUMN', `has no column ${key} in the contract`)
      if (!KEY_TYPES.has(type))
        throw refused(`table ${source.name}`, 'ROOM_TRAIN_TYPE', `has in column ${key} no key, but a ${type}`)
      return type
    })
  })
  const other = types.findIndex((own) => String(own) !== String(types[0]))
  if (other >= 0)
    throw refused(`table ${tables[other]!.source.name}`, 'ROOM_TRAIN_TYPE', 'has keys of other types', {
      expected: `those of table ${first.source.name}`,
    })
}

/** Columns that are wanted, by the table that has them. */
function wantedOf(tables: readonly JoinTable[], { features, label }: DataSpec): string[][] {
  requireFeatures([label])
  requireFeatures(features)
  const columns = [...features, label].map(({ column }) => column)
  if (new Set(columns).size !== columns.length)
    throw roomTrainError('ROOM_TRAIN_SETTINGS', 'a column is a feature or the label, once')
  const wanted: string[][] = tables.map(() => [])
  for (const column of columns) {
    if (tables.some(({ keys }) => keys.includes(column)))
      throw roomTrainError('ROOM_TRAIN_SETTINGS', `the key ${column} is no feature`)
    const having = tables.flatMap(({ source }, at) =>
      source.columns.some(({ name }) => name === column) ? [at] : [],
    )
    if (having.length !== 1)
      throw roomTrainError(
        'ROOM_TRAIN_COLUMN',
        having.length === 0
          ? `no table has the column ${column}`
          : `more than one table has the column ${column}`,
      )
    wanted[having[0]!]!.push(column)
  }
  return wanted
}

/** The column that says whose the rows are, where that is not what they are joined by. */
function ownerOf(
  tables: readonly JoinTable[],
  isPrivate: boolean,
): { at: number; column: string } | undefined {
  const [owner, another] = tables.flatMap(({ source: { contributor }, keys }, at) =>
    contributor === undefined || String(keys) === contributor ? [] : [{ at, column: contributor }],
  )
  if (owner && isPrivate)
    throw roomTrainError(
      'ROOM_TRAIN_PRIVACY',
      `table ${tables[owner.at]!.source.name}: contributors of a join are told by its key`,
    )
  if (another)
    throw roomTrainError('ROOM_TRAIN_SETTINGS', 'one table of a join says who contributed, or none')
  const isTaken =
    owner &&
    tables.some(
      ({ source }, at) => at !== owner.at && source.columns.some(({ name }) => name === owner.column),
    )
  if (isTaken) throw roomTrainError('ROOM_TRAIN_COLUMN', `more than one table has the column ${owner.column}`)
  return owner
}

/** The row of each key. @throws `ROOM_TRAIN_KEY`, without the key: it is data */
function rowsByKey(table: Table, keys: readonly string[], isPrivate: boolean): Map<string, number> {
  if (table.rows > MAX_ROWS)
    throw refused(`table ${table.name}`, 'ROOM_TRAIN_TOO_LARGE', `has more than ${MAX_ROWS} rows to join`)
  const cells = keys.map((key) => table.columns.get(key)!)
  const rows = new Map<string, number>()
  for (let row = 0; row < table.rows; row++) {
    const texts = cells.map((cell) => cell.textAt(row))
    if (texts.includes(undefined)) continue
    // With their lengths, so that no two keys of several columns are the same text.
    const key = texts.length === 1 ? texts[0]! : texts.map((text) => `${text!.length}:${text}`).join('')
    const isThere = rows.has(key)
    if (isThere && !isPrivate)
      throw refused(`table ${table.name}`, 'ROOM_TRAIN_KEY', 'has two rows of one key')
    rows.set(key, isThere ? TWICE : row)
  }
  return rows
}

function takeCells({ columns }: Table, name: string, rows: Uint32Array): ReturnType<typeof cellsOf> {
  const from = columns.get(name)!
  const taken = cellsOf({ name, type: from.type })
  for (const row of rows)
    if (taken instanceof NumberCells) taken.push((from as NumberCells).at(row))
    else taken.push(from.textAt(row))
  return taken
}

function nameOf(tables: readonly JoinTable[]): string {
  return tables.map(({ source }) => source.name).join(' and ')
}

function refused(
  name: string,
  code: RoomTrainErrorCode,
  words: string,
  details: { expected?: string } = {},
): Error {
  return roomTrainError(code, `${name} ${words}`, details)
}
