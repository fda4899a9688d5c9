import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ColumnExpression, FromPlan, Guard, Relation } from '../../../src/room/sql/plan.ts'
import { countOnce } from '../../../src/room/sql/same-people.ts'
import { NO_DUCKDB, query, type TestTable } from './engine.ts'
import { csv } from './people.ts'

/** A table of a plan, whose column `c0` says who contributed a row. */
function relation(id: string, type: 'integer' | 'number' = 'integer'): FromPlan & { kind: 'relation' } {
  const of: Pick<Relation, 'id' | 'hidden' | 'source'> = {
    id,
    hidden: [{ kind: 'contributor', name: `h${id}`, type }],
    source: { kind: 'table', at: 0, contributor: 0 },
  }
  return { kind: 'relation', relation: of as Relation }
}

const count = (id: string): Guard => ({ kind: 'count', relation: id, name: `h${id}` })
const all = (...of: Guard[]): Guard => ({ kind: 'all', of })

function joined(
  join: 'INNER' | 'LEFT',
  left: FromPlan,
  right: FromPlan,
  [one, other]: [string, string],
  column = 'c0',
): FromPlan {
  const at = (id: string): ColumnExpression => ({ relation: id, name: column }) as ColumnExpression
  return { kind: 'join', join, left, right, keys: [{ left: at(one), right: at(other) }] }
}

const [a, b, c] = [relation('a'), relation('b'), relation('c')]
const BOTH = all(all(count('a')), all(count('b')))

describe('people of joined tables', () => {
  it('are counted once where the join is by who they are', () => {
    expect(countOnce(BOTH, joined('INNER', a, b, ['a', 'b']))).toEqual(all(all(count('a')), all()))
  })

  it('are counted once over any number of such joins, in any order', () => {
    const guard = all(count('a'), count('b'), count('c'))
    const ab = joined('INNER', a, b, ['a', 'b'])
    expect(countOnce(guard, joined('INNER', ab, c, ['b', 'c']))).toEqual(all(count('a')))
    const bc = joined('INNER', b, c, ['b', 'c'])
    expect(countOnce(guard, joined('LEFT', a, bc, ['a', 'b']))).toEqual(all(count('a'), count('b')))
  })

  it.each([
    ['a LEFT join, which may find nobody', joined('LEFT', a, b, ['a', 'b'])],
    ['a join by another column', joined('INNER', a, b, ['a', 'b'], 'c1')],
    [
      'who they are as doubles',
      joined('INNER', relation('a', 'number'), relation('b', 'number'), ['a', 'b']),
    ],
  ])('are counted each with %s', (_, from) => {
    expect(countOnce(BOTH, from)).toEqual(BOTH)
  })

  it('of a UNION stay what they are', () => {
    const union: Guard = { kind: 'branches', of: [{ relation: 'u', marker: 'm', guard: count('a') }] }
    expect(countOnce(all(union, count('a')), a)).toEqual(all(union, count('a')))
  })
})

const KINDS = ['x', 'y']
const row = fc.record({
  who: fc.option(fc.integer({ min: 0, max: 9 }), { freq: 8 }),
  kind: fc.constantFrom(...KINDS),
  value: fc.option(fc.integer({ min: 1, max: 9 }), { freq: 4 }),
})
type Row = typeof row extends fc.Arbitrary<infer Of> ? Of : never
const rows = fc.array(row, { maxLength: 30, size: 'max' })

function table(name: string, of: readonly Row[]): TestTable {
  return {
    name,
    owner: `owner-${name}`,
    contributor: 'who',
    columns: [
      { name: 'who', type: 'integer' },
      { name: 'kind', type: 'text' },
      { name: 'value', type: 'integer' },
    ],
    data: csv(
      'who,kind,value',
      of.map(({ who, kind, value }) => [who, kind, value]),
    ),
  }
}

describe.skipIf(NO_DUCKDB)('groups of tables joined by who contributed', () => {
  it('have enough people of both, and of those who have what is summed', async () => {
    await fc.assert(
      fc.asyncProperty(
        rows,
        fc.uniqueArray(row, { selector: ({ who }) => who ?? -1, maxLength: 11 }),
        fc.constantFrom('JOIN', 'LEFT JOIN'),
        fc.integer({ min: 2, max: 4 }),
        async (of, unique, join, least) => {
          const found = await query({
            tables: [table('a', of), table('b', unique)],
            joinKeys: ['who'],
            minContributors: least,
            sql: `SELECT a.kind, count(*) AS n, sum(a.value) AS s FROM a ${join} b ON a.who = b.who GROUP BY a.kind`,
          })
          const isThere = ({ who }: Row): boolean => who !== null && unique.some((other) => other.who === who)
          const expected = KINDS.flatMap((kind) => {
            const group = of.filter((one) => one.kind === kind && (join === 'LEFT JOIN' || isThere(one)))
            const present = group.filter(({ value }) => value !== null)
            const absent = group.filter(({ value }) => value === null)
            const sides: ((some: readonly Row[]) => readonly Row[])[] = [
              (some) => some,
              (some) => some.filter(isThere),
            ]
            const isEnough = sides.every((side) => {
              const left = peopleIn(side(absent))
              return peopleIn(side(present)) >= least && (left === 0 || left >= least)
            })
            const sum = present.reduce((total, { value }) => total + value!, 0)
            const isNull = of.some(({ value }) => value === null)
            const isAlone = sides.every((side) => peopleIn(side(group)) >= least)
            return (isNull ? isEnough : isAlone) ? [[kind, group.length, sum]] : []
          })
          expect(found).toEqual(expected)
        },
      ),
      { numRuns: process.env['SLOW'] === '1' ? 200 : 25, endOnFailure: true },
    )
  })
})

function peopleIn(of: readonly Row[]): number {
  return new Set(of.flatMap(({ who }) => who ?? [])).size
}
