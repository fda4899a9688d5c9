import { call, columnRef, compare, conjunction, constant, type Json } from './nodes.ts'
import type { Guard } from './plan.ts'

/**
 * The condition that a group has enough contributors: of every table that was joined, and of every branch of a UNION that
 * the group has rows of. Contributors that are NULL, also because a LEFT JOIN found nobody, are nobody.
 * @param filter only rows for which this is true are looked at
 */
export function encodeGuard(guard: Guard, least: number, filter: Json = null): Json {
  switch (guard.kind) {
    case 'count':
      return atLeast(contributors(guard.relation, guard.name, filter), least)
    case 'all':
      return conjunction(
        'and',
        guard.of.map((one) => encodeGuard(one, least, filter)),
      )
    case 'branches': {
      const branches = guard.of.map(({ relation, marker, guard: own }) => {
        const rows = call('count', [columnRef(relation, marker)], { filter })
        const isEmpty = compare('COMPARE_EQUAL', rows, constant('integer', 0))
        return { rows, enough: conjunction('or', [isEmpty, encodeGuard(own, least, filter)]) }
      })
      const some = conjunction(
        'or',
        branches.map(({ rows }) => atLeast(rows, 1)),
      )
      return conjunction('and', [some, ...branches.map(({ enough }) => enough)])
    }
  }
}

/**
 * The condition that some rows are of nobody or of enough contributors: what is left out of a figure can be had by taking
 * it from another one.
 */
export function encodeRest(guard: Guard, least: number, filter: Json): Json {
  switch (guard.kind) {
    case 'count': {
      const count = contributors(guard.relation, guard.name, filter)
      const nobody = compare('COMPARE_EQUAL', count, constant('integer', 0))
      return conjunction('or', [nobody, atLeast(count, least)])
    }
    case 'all':
      return conjunction(
        'and',
        guard.of.map((one) => encodeRest(one, least, filter)),
      )
    case 'branches':
      return conjunction(
        'and',
        guard.of.map((one) => encodeRest(one.guard, least, filter)),
      )
  }
}

/**
 * Whether {@link encodeGuard} of all rows of a group is true wherever it is true of some of them. Of a UNION it need not be:
 * a branch with no row among some may have rows of too few people among the others.
 */
export function isMonotonic(guard: Guard): boolean {
  switch (guard.kind) {
    case 'count':
      return true
    case 'all':
      return guard.of.every(isMonotonic)
    case 'branches':
      return false
  }
}

function contributors(relation: string, name: string, filter: Json): Json {
  return call('count', [columnRef(relation, name)], { distinct: true, filter })
}

function atLeast(count: Json, least: number): Json {
  return compare('COMPARE_GREATERTHANOREQUALTO', count, constant('integer', least))
}
