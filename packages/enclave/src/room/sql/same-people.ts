import type { FromPlan, Guard, Relation } from './plan.ts'
import { relationsOf } from './scope.ts'

/**
 * A guard over the rows of a FROM, without counts that say what another says. Where an INNER join is by the columns that
 * say who contributed, every row has the same person of both tables, or nobody of either where a LEFT join around found
 * none: the people of any of these rows are as many of one as of the other. Counting is most of what a query costs.
 */
export function countOnce(guard: Guard, from: FromPlan): Guard {
  const sames = samePeople(from)
  const counted = new Set<string>()
  const keep = (one: Guard): Guard[] => {
    switch (one.kind) {
      case 'count': {
        const who = nameOf(one)
        const first = [...(sames.find((same) => same.has(who)) ?? [who])][0]!
        return counted.has(first) ? [] : (counted.add(first), [one])
      }
      case 'all':
        return [{ kind: 'all', of: one.of.flatMap(keep) }]
      case 'branches':
        return [one]
    }
  }
  return keep(guard)[0]!
}

/** Sets of hidden columns that are equal in every row. */
function samePeople(from: FromPlan): Set<string>[] {
  const relations = new Map(relationsOf(from).map((relation) => [relation.id, relation]))
  const sames: Set<string>[] = []
  for (const { left, right } of innerKeys(from)) {
    const one = contributorAt(relations.get(left.relation), left.name)
    const other = contributorAt(relations.get(right.relation), right.name)
    if (one === undefined || other === undefined) continue
    const known = sames.filter((same) => same.has(one) || same.has(other))
    for (const same of known) sames.splice(sames.indexOf(same), 1)
    sames.push(new Set([...known.flatMap((same) => [...same]), one, other]))
  }
  return sames
}

function innerKeys(from: FromPlan): (FromPlan & { kind: 'join' })['keys'] {
  if (from.kind === 'relation') return []
  const own = from.join === 'INNER' ? from.keys : []
  return [...innerKeys(from.left), ...innerKeys(from.right), ...own]
}

/** The hidden column that is the same as a column of a table; undefined where none is. */
function contributorAt(relation: Relation | undefined, name: string): string | undefined {
  if (relation?.source.kind !== 'table' || name !== `c${relation.source.contributor}`) return undefined
  // Doubles have two zeros: equal, and perhaps not the same to whoever counts them.
  const hidden = relation.hidden.find(({ kind, type }) => kind === 'contributor' && type !== 'number')
  return hidden && nameOf({ relation: relation.id, name: hidden.name })
}

function nameOf({ relation, name }: { readonly relation: string; readonly name: string }): string {
  return `${relation} ${name}`
}
