import { refuse } from './errors.ts'
import type { ColumnTraits, Relation } from './plan.ts'
import type { Planning } from './relations.ts'
import { moveGuard } from './scope.ts'

/** What joins the names of owners whose rows are in one column. No name has it. */
const OR = '|'

/**
 * Plans a UNION ALL of rows. Each branch keeps its own contributors, and a marker that says which rows are of it: none of
 * them can make up for people whom another lacks.
 * @throws `ROOM_SQL_REFUSED` (`union`, `one-aggregation`)
 */
export function planUnion(branches: readonly Relation[], planning: Planning): Relation {
  const id = planning.next()
  if (branches.some(({ isAggregated }) => isAggregated)) throw refuse('one-aggregation', 'a union of figures')
  const [first] = branches
  if (first === undefined || branches.some(({ columns }) => columns.length !== first.columns.length))
    throw refuse('union', 'branches with other numbers of columns')
  const marked = branches.map((relation) => ({ relation, marker: `m${relation.id}` }))
  return {
    id,
    columns: first.columns.map(({ label }, at) => ({
      label,
      column: {
        ...joinTraits(branches.map(({ columns }) => columns[at]!.column)),
        kind: 'column',
        relation: id,
        name: `o${at}`,
      },
    })),
    hidden: marked.flatMap(({ relation, marker }) => [
      ...relation.hidden,
      { kind: 'marker', name: marker, type: 'boolean' } as const,
    ]),
    guard: {
      kind: 'branches',
      of: marked.map(({ relation, marker }) => ({
        relation: id,
        marker,
        guard: moveGuard(relation.guard, id),
      })),
    },
    isProtected: branches.some(({ isProtected }) => isProtected),
    isAggregated: false,
    source: { kind: 'union', branches: marked },
  }
}

function joinTraits(columns: readonly ColumnTraits[]): ColumnTraits {
  const [first] = columns as [ColumnTraits, ...ColumnTraits[]]
  const isSame = columns.every(
    ({ type, joinKey, contributor }) =>
      type === first.type && joinKey === first.joinKey && contributor === first.contributor,
  )
  if (!isSame) throw refuse('union', 'a column that is not the same in each branch')
  return {
    type: first.type,
    owners: joinOwners(columns),
    forbidden: columns.some(({ forbidden }) => forbidden),
    joinKey: first.joinKey,
    contributor: first.contributor,
    made: columns.every(({ made }) => made === 'column')
      ? 'column'
      : columns.every(({ made }) => made !== 'anyhow')
        ? 'pair'
        : 'anyhow',
    neverNull: columns.every(({ neverNull }) => neverNull),
  }
}

/** Each row is of one owner, so the column is of one, whom all their names name; unless it was made of several before. */
function joinOwners(columns: readonly ColumnTraits[]): readonly string[] {
  const all = columns.flatMap(({ owners }) => owners)
  if (columns.some(({ owners }) => owners.length > 1)) return [...new Set(all)].sort()
  const names = [...new Set(all.flatMap((owner) => owner.split(OR)))].sort()
  return names.length === 0 ? [] : [names.join(OR)]
}
