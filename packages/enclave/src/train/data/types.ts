import type { Column } from '@sotto/protocol/contract'

/** One sealed table, opened. Its owner controls the bytes; name and columns are of the contract. */
export interface TableSource {
  readonly name: string
  readonly media: 'csv' | 'jsonl'
  readonly bytes: Uint8Array
  /** All columns of the table. */
  readonly columns: readonly Column[]
  /** The column that says whose row it is; without one, each row is somebody else's. */
  readonly contributor?: string
}

/**
 * What a model reads of a row. Bounds and values are agreed, never found in the data, which they would tell about.
 * - `number`: from `min` to `max`, both in units of 10^-decimals; what is past them counts as they do. It becomes -1 to 1,
 *   and 0 where the row has none.
 * - `category`: a 1 in the place of its value, of one place more than there are values: for all other values, and none.
 */
export type Feature =
  | {
      readonly column: string
      readonly kind: 'number'
      readonly min: number
      readonly max: number
      /** 0 to 9. */
      readonly decimals: number
    }
  | { readonly column: string; readonly kind: 'category'; readonly values: readonly string[] }

/** What it learns to tell: a number, bounded and scaled like a feature, or which of the values it is. */
export type Label = Feature

/** What is trained on, and with what. */
export interface DataSpec {
  readonly features: readonly Feature[]
  readonly label: Label
  /**
   * Whether a privacy guarantee is given. Then only what the schema shows is refused: a refusal for what one row holds
   * would tell of that row. A cell that is not of its type counts as none, and a row that has no label or contributor is
   * no row.
   */
  readonly isPrivate: boolean
}
