import type { SqlParameter } from '@sotto/protocol/contract'
import { decodeQuery } from './decode-query.ts'
import { refuse } from './errors.ts'
import { requireUsable } from './expressions.ts'
import { type NoisePlan, planNoise } from './noise-plan.ts'
import { parameterTypes } from './parameters.ts'
import type { QueryPlan, Relation, ResultColumn } from './plan.ts'
import { Planning, planQuery } from './relations.ts'
import { parseTree } from './tree.ts'
import type { SqlPolicy } from './types.ts'

/** A template that breaks no rule. */
export type CheckedTemplate = QueryPlan | NoisePlan

/**
 * Checks a template, as DuckDB read it, against the rules of a task. Depends on nothing but its arguments: parties check
 * what they sign in the same way as the room that runs it.
 * @param tree what `json_serialize_sql` answered
 * @throws `ROOM_SQL_REFUSED` with the first rule that it breaks, `ROOM_SQL_SYNTAX`
 */
export function checkTemplate(
  tree: string,
  parameters: readonly SqlParameter[],
  policy: SqlPolicy,
): CheckedTemplate {
  const syntax = decodeQuery(parseTree(tree))
  const planning = new Planning(policy, parameterTypes(parameters))
  if (policy.noise !== undefined) return planNoise(syntax, planning, policy.noise)
  const relation = planQuery(syntax, planning, new Map())
  if (relation.isProtected) throw refuse('aggregates-only', 'rows as they are')
  for (const { column } of relation.columns) requireUsable(column)
  return { kind: 'query', columns: resultColumns(relation), relation: inOrder(relation, planning) }
}

/** @throws `ROOM_SQL_REFUSED` (`output-name`) */
export function resultColumns({ columns }: Pick<Relation, 'columns'>): ResultColumn[] {
  const names = columns.map(({ label }) => label)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw refuse('output-name', `${twice} twice`)
  return columns.map(({ label, column }) => ({
    name: label,
    type: column.type === 'null' ? 'text' : column.type,
  }))
}

/** Of a UNION: a SELECT around it, whose rows have an order. */
function inOrder(relation: Relation, planning: Planning): Relation {
  if (relation.source.kind !== 'union') return relation
  const id = planning.next()
  return {
    ...relation,
    id,
    source: {
      kind: 'rows',
      from: { kind: 'relation', relation },
      where: undefined,
      items: relation.columns.map(({ column }) => column),
      order: [],
      limit: undefined,
      offset: undefined,
    },
  }
}
