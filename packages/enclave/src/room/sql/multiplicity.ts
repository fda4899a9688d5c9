import type { Aggregate, ColumnExpression, FromPlan, Relation } from './plan.ts'
import { relationsOf } from './scope.ts'

/** One side of a join, of which no two rows have the same keys. */
export interface UniqueSide {
  readonly from: FromPlan
  readonly keys: readonly ColumnExpression[]
}

/**
 * What has to be so of the data for figures over joins to be of as many people as are counted. Whoever brings a table in
 * which one key is there a million times has one other owner's row counted a million times: the sum over many is then that
 * row. So an owner's values are only summed where the tables of others have each key once; and rows are only counted where
 * one side has. Each requirement lists what would do.
 */
export function uniqueSides(
  from: FromPlan,
  aggregates: readonly Aggregate[],
): readonly (readonly UniqueSide[])[] {
  if (from.kind === 'relation') return insideOf(from.relation)
  const { left, right, keys } = from
  const inner = [...uniqueSides(left, aggregates), ...uniqueSides(right, aggregates)]
  if (new Set([...ownersOf(left), ...ownersOf(right)]).size < 2) return inner
  const leftSide = { from: left, keys: keys.map((key) => key.left) }
  const rightSide = { from: right, keys: keys.map((key) => key.right) }
  const used = new Set(
    aggregates.flatMap(({ argument, distinct }) => (distinct ? [] : relationsIn(argument))),
  )
  const isUsed = (side: FromPlan): boolean => relationsOf(side).some(({ id }) => used.has(id))
  const needed: UniqueSide[][] = []
  if (isUsed(left)) needed.push([rightSide])
  if (isUsed(right)) needed.push([leftSide])
  return [...inner, ...(needed.length > 0 ? needed : [[leftSide, rightSide]])]
}

/** Joins in queries inside: what of them is summed is not followed, so that both sides have each key once. */
function insideOf({ source }: Relation): (readonly UniqueSide[])[] {
  switch (source.kind) {
    case 'table':
    case 'figures':
      return []
    case 'union':
      return source.branches.flatMap(({ relation }) => insideOf(relation))
    case 'rows':
      return bothSides(source.from)
  }
}

function bothSides(from: FromPlan): (readonly UniqueSide[])[] {
  if (from.kind === 'relation') return insideOf(from.relation)
  const { left, right, keys } = from
  const inner = [...bothSides(left), ...bothSides(right)]
  if (new Set([...ownersOf(left), ...ownersOf(right)]).size < 2) return inner
  return [
    ...inner,
    [{ from: left, keys: keys.map((key) => key.left) }],
    [{ from: right, keys: keys.map((key) => key.right) }],
  ]
}

/** Everybody whose rows are in it: its columns may be of constants, but its keys are of somebody. */
function ownersOf(from: FromPlan): string[] {
  return relationsOf(from).flatMap(({ columns }) => columns.flatMap(({ column }) => column.owners))
}

function relationsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  const { kind, relation } = value as { kind?: unknown; relation?: unknown }
  if (kind === 'column') return [relation as string]
  return Object.values(value).flatMap(relationsIn)
}
