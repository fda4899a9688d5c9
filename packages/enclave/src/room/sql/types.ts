import type { ColumnType } from './column-type.ts'

/** A column as the contract states it. */
export interface SqlColumn {
  readonly name: string
  readonly type: ColumnType
  /** Seen in the data of this run: no row lacks it. Absent: not known. */
  readonly neverNull?: boolean
}

/** A table that a transform reads. */
export interface SqlTable {
  /** As templates name it. */
  readonly name: string
  readonly owner: string
  readonly columns: readonly SqlColumn[]
  /** Column that says who contributed a row. */
  readonly contributor?: string
}

/** What holds for one task of queries: the rules of all that it reads, joined (`joinRules`), and its own. */
export interface SqlPolicy {
  readonly tables: readonly SqlTable[]
  /** Whatever the case of their letters. */
  readonly forbidden: readonly string[]
  readonly joinKeys: readonly string[]
  readonly minContributors: number
  /** Only results with noise leave. */
  readonly noise?: SqlNoise
}

/** See `NoisePlan` of the contract. */
export interface SqlNoise {
  readonly epsilonMicros: number
  readonly maxRowsPerContributor: number
  readonly clip: { readonly min: number; readonly max: number }
}
