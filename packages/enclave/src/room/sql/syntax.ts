/** A template as it is written: names are not looked up yet, and nothing is known but that it has only listed parts. */
import type { ColumnType, ExpressionType } from './column-type.ts'

export const COMPARISONS = [
  'COMPARE_EQUAL',
  'COMPARE_NOTEQUAL',
  'COMPARE_LESSTHAN',
  'COMPARE_GREATERTHAN',
  'COMPARE_LESSTHANOREQUALTO',
  'COMPARE_GREATERTHANOREQUALTO',
  'COMPARE_DISTINCT_FROM',
  'COMPARE_NOT_DISTINCT_FROM',
] as const
export type Comparison = (typeof COMPARISONS)[number]

export const AGGREGATES = [
  'count',
  'sum',
  'avg',
  'stddev_samp',
  'stddev_pop',
  'var_samp',
  'var_pop',
  'min',
  'max',
] as const
export type AggregateName = (typeof AGGREGATES)[number]

export type Scalar = string | number | boolean | null

export type ExpressionSyntax =
  | { kind: 'column'; path: string[] }
  | { kind: 'constant'; type: ExpressionType; value: Scalar }
  | { kind: 'parameter'; name: string }
  | { kind: 'call'; name: string; items: ExpressionSyntax[] }
  | { kind: 'aggregate'; name: AggregateName; argument?: ExpressionSyntax; distinct: boolean }
  | { kind: 'compare'; operator: Comparison; left: ExpressionSyntax; right: ExpressionSyntax }
  | { kind: 'and' | 'or'; items: ExpressionSyntax[] }
  | { kind: 'not'; item: ExpressionSyntax }
  | { kind: 'is-null'; item: ExpressionSyntax; negated: boolean }
  | { kind: 'in'; item: ExpressionSyntax; list: ExpressionSyntax[]; negated: boolean }
  | {
      kind: 'case'
      checks: { when: ExpressionSyntax; result: ExpressionSyntax }[]
      otherwise: ExpressionSyntax
    }
  | { kind: 'coalesce'; items: ExpressionSyntax[] }
  | { kind: 'cast'; to: ColumnType; item: ExpressionSyntax }

/** One of what a SELECT lists; `star` stands for all columns, of one table or of all. */
export type ItemSyntax =
  | { kind: 'star'; table: string | undefined }
  | { kind: 'item'; expression: ExpressionSyntax; alias: string | undefined }

export interface OrderSyntax {
  expression: ExpressionSyntax
  descending: boolean
  nulls: 'ORDER_DEFAULT' | 'NULLS FIRST' | 'NULLS LAST'
}

export interface SelectSyntax {
  kind: 'select'
  queries: ReadonlyMap<string, QuerySyntax>
  items: ItemSyntax[]
  from: FromSyntax
  where: ExpressionSyntax | undefined
  groups: ExpressionSyntax[]
  having: ExpressionSyntax | undefined
  order: OrderSyntax[]
  limit: ExpressionSyntax | undefined
  offset: ExpressionSyntax | undefined
}

/** UNION ALL. */
export interface UnionSyntax {
  kind: 'union'
  queries: ReadonlyMap<string, QuerySyntax>
  branches: QuerySyntax[]
}

export type QuerySyntax = SelectSyntax | UnionSyntax

export type FromSyntax =
  | { kind: 'table'; name: string; alias: string }
  | { kind: 'query'; query: QuerySyntax; alias: string }
  | {
      kind: 'join'
      join: 'INNER' | 'LEFT'
      left: FromSyntax
      right: FromSyntax
      using: string[]
      condition: ExpressionSyntax | undefined
    }
