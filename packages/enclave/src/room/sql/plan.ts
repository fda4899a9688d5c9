/**
 * A checked template: what runs is made of this and of nothing else. Names in it are the engine's own, except in the list
 * of results; every column is one of a table of the contract, of a query inside, or of the groups.
 */
import type { ColumnType, ExpressionType } from './column-type.ts'
import type { UniqueSide } from './multiplicity.ts'
import type { AggregateName, Comparison, OrderSyntax, Scalar } from './syntax.ts'

/** What is known of the values of a column or an expression. */
export interface Traits {
  readonly type: ExpressionType
  /** Owners whose data it is made of; those of a UNION are one, named together. */
  readonly owners: readonly string[]
}

/** What is known of a column besides. */
export interface ColumnTraits extends Traits {
  readonly forbidden: boolean
  readonly joinKey: boolean
  /** Says who contributed, where that is protected. */
  readonly contributor: boolean
  /** `column`: as its owner brought it. `pair`: a sum, difference or product of two such. Else it can be anything. */
  readonly made: 'column' | 'pair' | 'anyhow'
  readonly neverNull: boolean
}

/** A column of something in FROM. `relation` and `name` are what it is called in the query that runs. */
export interface ColumnExpression extends ColumnTraits {
  readonly kind: 'column'
  readonly relation: string
  readonly name: string
}

export type Expression = Traits &
  (
    | ColumnExpression
    | { readonly kind: 'constant'; readonly value: Scalar }
    | { readonly kind: 'parameter'; readonly name: string }
    | { readonly kind: 'call'; readonly name: string; readonly items: readonly Expression[] }
    | {
        readonly kind: 'compare'
        readonly operator: Comparison
        readonly left: Expression
        readonly right: Expression
      }
    | { readonly kind: 'and' | 'or' | 'coalesce'; readonly items: readonly Expression[] }
    | { readonly kind: 'not'; readonly item: Expression }
    | { readonly kind: 'is-null'; readonly item: Expression; readonly negated: boolean }
    | {
        readonly kind: 'in'
        readonly item: Expression
        readonly list: readonly Expression[]
        readonly negated: boolean
      }
    | {
        readonly kind: 'case'
        readonly checks: readonly { readonly when: Expression; readonly result: Expression }[]
        readonly otherwise: Expression
      }
    | { readonly kind: 'cast'; readonly to: ColumnType; readonly item: Expression }
  )

/** A hidden column: the contributor of the row of one table, or whether a row is of one branch of a UNION. */
export interface Hidden {
  readonly kind: 'contributor' | 'marker'
  readonly name: string
  readonly type: ColumnType
}

/** Whom to count: a condition on the contributors of a group, as a tree over hidden columns. */
export type Guard =
  /** Different values of this column that are not NULL: at least k. */
  | { readonly kind: 'count'; readonly relation: string; readonly name: string }
  | { readonly kind: 'all'; readonly of: readonly Guard[] }
  /** Of each branch of a UNION: no row, or enough contributors; and some row. */
  | {
      readonly kind: 'branches'
      readonly of: readonly { readonly relation: string; readonly marker: string; readonly guard: Guard }[]
    }

/** Something with rows: a table, or a query. */
export interface Relation {
  /** Its name in the query that runs. */
  readonly id: string
  /** As the template names them, in lower case, and as they are called inside: `c0`, `c1`, ... */
  readonly columns: readonly { readonly label: string; readonly column: ColumnExpression }[]
  readonly hidden: readonly Hidden[]
  /** Over its hidden columns. */
  readonly guard: Guard
  /** Its rows are of people whom a rule protects. */
  readonly isProtected: boolean
  /** It has been through an aggregation. */
  readonly isAggregated: boolean
  readonly source: Source
}

export type Source =
  | { readonly kind: 'table'; readonly at: number; readonly contributor: number | undefined }
  | ({ readonly kind: 'rows'; readonly from: FromPlan; readonly where: Expression | undefined } & Shown)
  | {
      readonly kind: 'union'
      readonly branches: readonly { readonly relation: Relation; readonly marker: string }[]
    }
  | ({ readonly kind: 'figures'; readonly figures: Figures; readonly having: Expression | undefined } & Shown)

/** What a SELECT shows, and in which order. */
export interface Shown {
  readonly items: readonly Expression[]
  readonly order: readonly (Omit<OrderSyntax, 'expression'> & { readonly expression: Expression })[]
  readonly limit: Expression | undefined
  readonly offset: Expression | undefined
}

export type FromPlan =
  | { readonly kind: 'relation'; readonly relation: Relation }
  | {
      readonly kind: 'join'
      readonly join: 'INNER' | 'LEFT'
      readonly left: FromPlan
      readonly right: FromPlan
      readonly keys: readonly { readonly left: ColumnExpression; readonly right: ColumnExpression }[]
    }

/** An aggregate over the rows of a group. `argument` absent: of `count(*)`. */
export interface Aggregate {
  readonly name: AggregateName
  readonly argument: Expression | undefined
  readonly distinct: boolean
  readonly type: ColumnType
}

/** Groups, and what is computed of each: columns `g0`, ... and `a0`, ... of the relation that has its `id`. */
export interface Figures {
  readonly id: string
  readonly from: FromPlan
  readonly where: Expression | undefined
  readonly groups: readonly Expression[]
  readonly aggregates: readonly Aggregate[]
  readonly guard: Guard
  /** Contributors that each group has at least; 1: no such rule, and the guard is not looked at. */
  readonly minContributors: number
  /** What has to be so of the data before it runs: of each, one. */
  readonly uniqueSides: readonly (readonly UniqueSide[])[]
}

/** Columns of a result. */
export interface ResultColumn {
  readonly name: string
  readonly type: ColumnType
}

/** A checked template of a task without noise. */
export interface QueryPlan {
  readonly kind: 'query'
  readonly columns: readonly ResultColumn[]
  readonly relation: Relation
}
