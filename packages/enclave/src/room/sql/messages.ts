/** What a room and the process of one query say to each other. The room asks, the process answers each before the next. */
import type { ColumnType } from './column-type.ts'
import type { RoomSqlErrorCode } from './errors.ts'

export const TABLE_FORMATS = ['csv', 'jsonl', 'parquet'] as const
export type TableFormat = (typeof TABLE_FORMATS)[number]

/** A table to be read from a descriptor of the process. */
export interface TableMessage {
  readonly fd: number
  readonly format: TableFormat
  readonly columns: readonly { readonly name: string; readonly type: ColumnType }[]
}

export type Question =
  /** First: DuckDB is loaded, and locked so that it opens these descriptors and nothing else. */
  | {
      readonly ask: 'open'
      readonly part: string
      readonly fds: readonly number[]
      readonly threads: number
      readonly memoryBytes: number
    }
  | { readonly ask: 'parse'; readonly sql: string }
  | { readonly ask: 'load'; readonly tables: readonly TableMessage[] }
  | {
      readonly ask: 'run'
      readonly statement: string
      readonly types: readonly ColumnType[]
      readonly maxRows: number
      readonly maxBytes: number
    }

export type Answer =
  | { readonly say: 'opened' }
  | { readonly say: 'parsed'; readonly tree: string }
  /** Of each table and column: whether no row lacks it. */
  | { readonly say: 'loaded'; readonly neverNull: readonly (readonly boolean[])[] }
  /** After the pieces of the result. */
  | { readonly say: 'ran'; readonly rows: number }
  | { readonly say: 'failed'; readonly code: RoomSqlErrorCode; readonly message: string }
