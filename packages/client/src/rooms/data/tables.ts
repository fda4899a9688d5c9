import { fromUtf8 } from '@sotto/protocol/bytes'
import type { Column } from '@sotto/protocol/contract'
import type { DataMedia } from '@sotto/protocol/room'
import { linesOf } from './lines.ts'
import {
  type DataFiles,
  type DataSource,
  hasMagic,
  onlyFile,
  partOf,
  piecesOf,
  refused,
  wholeFile,
} from './source.ts'

/** What is said about a table. */
export interface TableAbout {
  /** As the contract has them. */
  columns?: readonly Column[]
  /** @default by the name of the file */
  media?: DataMedia
  signal?: AbortSignal
}

/** Bytes of the first line of a CSV file at most: 256 names of 63 letters, in quotes. */
const MAX_HEADER_BYTES = 32_768
/** Parquet's magic is at both ends, with a footer and its length between them. */
const MIN_PARQUET_BYTES = 12
const PARQUET_MAGIC = 'PAR1'

const ENDINGS: readonly (readonly [ending: RegExp, media: TableMedia])[] = [
  [/\.csv$/i, 'csv'],
  [/\.(?:jsonl|ndjson)$/i, 'jsonl'],
  [/\.parquet$/i, 'parquet'],
]
type TableMedia = 'csv' | 'jsonl' | 'parquet'

/**
 * One table, of which the beginning shows that it has the contract's columns. Whether every row does, and whether values
 * are of their types, the room finds out, which refuses the whole table where one is not.
 * @throws `ROOM_DATA_SOURCE`
 */
export async function tableSource(
  files: DataFiles,
  { columns, media, signal }: TableAbout,
): Promise<DataSource> {
  const [name, file] = onlyFile(files, 'a table')
  const written = media ?? ENDINGS.find(([ending]) => ending.test(name))?.[1]
  if (written === undefined || !Object.hasOwn(DOORS, written))
    throw refused(`nothing says how ${name} is written`, {
      expected: 'a name that ends with .csv, .jsonl, .ndjson or .parquet',
      hint: 'Say what it is, or rename it.',
    })
  if (columns === undefined || columns.length === 0)
    throw refused('a table has the columns that the contract gives it', { found: 'none' })
  await DOORS[written as TableMedia](name, file, columns, signal)
  return wholeFile(written, name, file)
}

type Door = (
  name: string,
  file: Blob,
  columns: readonly Column[],
  signal: AbortSignal | undefined,
) => Promise<void>

const DOORS: Readonly<Record<TableMedia, Door>> = {
  async csv(name, file, columns) {
    const start = await partOf(name, file, 0, MAX_HEADER_BYTES)
    const found = namesOf(start)
    if (found === undefined)
      throw refused(`the first line of ${name} is none of names of columns`, {
        expected: `${columns.map((column) => column.name).join(',')}, in UTF-8 without a byte order mark`,
      })
    if (found.length !== columns.length) throw otherColumns(name, columns, `${found.length} columns`)
    // Names of columns are those of SQL, which has no capitals.
    const wrong = columns.findIndex((column, at) => column.name.toLowerCase() !== found[at]!.toLowerCase())
    // What stands there instead is not said: without a first line of names, it is somebody's data.
    if (wrong >= 0) throw otherColumns(name, columns, `column ${wrong + 1} has another name`)
  },
  async jsonl(name, file, columns, signal) {
    let keys: string[] | undefined
    for await (const { bytes } of linesOf(name, piecesOf(name, file, signal))) {
      keys = keysOf(bytes)
      break
    }
    if (keys === undefined)
      throw refused(`the first line of ${name} is no object`, {
        expected: `an object with ${columns.map((column) => column.name).join(', ')}`,
      })
    const isSame = keys.length === columns.length && columns.every((column, at) => column.name === keys[at])
    if (!isSame) throw otherColumns(name, columns, 'an object with other members, or in another order')
  },
  async parquet(name, file) {
    const [start, end] = [
      await partOf(name, file, 0, 4),
      await partOf(name, file, Math.max(0, file.size - 4)),
    ]
    const isParquet =
      file.size >= MIN_PARQUET_BYTES && hasMagic(start, 0, PARQUET_MAGIC) && hasMagic(end, 0, PARQUET_MAGIC)
    if (!isParquet)
      throw refused(`${name} is no Parquet file, or is cut`, { expected: `${PARQUET_MAGIC} at both ends` })
  },
}

/** Names need no quotes, and may have them. */
const NAME = /^(?:[A-Za-z0-9_]+|"[A-Za-z0-9_]+")$/

/** Names in the first line of CSV (RFC 4180); undefined where it has none that can be read. */
function namesOf(start: Uint8Array): string[] | undefined {
  const end = start.indexOf(0x0a)
  if (end < 0) return undefined
  const names = textOf(start.subarray(0, end))?.replace(/\r$/, '').split(',')
  return names?.every((name) => NAME.test(name)) ? names.map((name) => name.replaceAll('"', '')) : undefined
}

/** Names of the members of an object, in its order; undefined for anything else. */
function keysOf(line: Uint8Array): string[] | undefined {
  try {
    const value: unknown = JSON.parse(fromUtf8(line))
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? Object.keys(value) : undefined
  } catch {
    return undefined
  }
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return fromUtf8(bytes)
  } catch {
    return undefined
  }
}

function otherColumns(name: string, columns: readonly Column[], found: string): Error {
  return refused(`${name} has not the columns of the contract`, {
    expected: columns.map((column) => column.name).join(', '),
    found,
  })
}
