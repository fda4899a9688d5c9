import { refuse } from './errors.ts'
import type { ColumnExpression, FromPlan, Guard, Hidden, Relation } from './plan.ts'

/** What names in one SELECT can mean: the tables and queries of its FROM, and nothing of any SELECT around it. */
export interface Scope {
  readonly bindings: readonly { readonly alias: string; readonly relation: Relation }[]
}

/**
 * The one column that a name means. A table's own name means nothing here, so no row is ever taken whole; nor do columns
 * that no contract states, as `rowid`.
 * @throws `ROOM_SQL_REFUSED` (`known-column`)
 */
export function findColumn({ bindings }: Scope, path: readonly string[]): ColumnExpression {
  const [label, alias] = path.map(fold).reverse()
  if (label === undefined || path.length > 2) throw refuse('known-column', path.join('.'))
  const found = bindings
    .filter((binding) => alias === undefined || binding.alias === alias)
    .flatMap(({ relation }) => relation.columns.filter((column) => column.label === label))
  if (found.length === 1) return found[0]!.column
  throw refuse('known-column', `${path.join('.')}${found.length > 1 ? ', of which there are several' : ''}`)
}

/** All columns that `*` or `alias.*` stands for, with their names. @throws `ROOM_SQL_REFUSED` (`known-table`) */
export function allColumns({ bindings }: Scope, alias: string | undefined): Relation['columns'] {
  const found = bindings.filter((binding) => alias === undefined || binding.alias === alias)
  if (found.length === 0) throw refuse('known-table', `${alias}.*`)
  return found.flatMap(({ relation }) => relation.columns)
}

/** Names as SQL compares them. Only ASCII letters have two forms in it: no other letter is folded into one of those. */
export function fold(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
}

/** Everything that a FROM reads. */
export function relationsOf(from: FromPlan): readonly Relation[] {
  return from.kind === 'relation' ? [from.relation] : [...relationsOf(from.left), ...relationsOf(from.right)]
}

/** Hidden columns of all that a FROM reads. */
export function hiddenOf(from: FromPlan): readonly (Hidden & { relation: string })[] {
  return relationsOf(from).flatMap(({ id, hidden }) => hidden.map((one) => ({ ...one, relation: id })))
}

/** Of a join, every table's contributors have to be enough. */
export function guardOf(from: FromPlan): Guard {
  const all = relationsOf(from).map(({ guard }) => guard)
  return all.length === 1 ? all[0]! : { kind: 'all', of: all }
}

/** The same condition over the hidden columns of a relation around. */
export function moveGuard(guard: Guard, relation: string): Guard {
  switch (guard.kind) {
    case 'count':
      return { ...guard, relation }
    case 'all':
      return { kind: 'all', of: guard.of.map((one) => moveGuard(one, relation)) }
    case 'branches':
      return {
        kind: 'branches',
        of: guard.of.map((one) => ({ ...one, relation, guard: moveGuard(one.guard, relation) })),
      }
  }
}

/** Whether anybody is counted: of a UNION, in each branch. */
export function isCounting(guard: Guard): boolean {
  switch (guard.kind) {
    case 'count':
      return true
    case 'all':
      return guard.of.some(isCounting)
    case 'branches':
      return guard.of.every((one) => isCounting(one.guard))
  }
}
