import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NO_DUCKDB, query, type TestTable } from './engine.ts'
import { csv } from './people.ts'

/** A row of either table. */
interface Row {
  who: number | null
  key: number | null
  kind: string | null
  value: number | null
}
/** A row of what a query reads: one of each table that was joined, or of the one it is of. */
interface Joined {
  a: Row | undefined
  b: Row | undefined
}

const row = fc.record<Row>({
  // Few people with many rows: counting rows is not enough.
  who: fc.option(fc.integer({ min: 0, max: 6 }), { freq: 8 }),
  key: fc.option(fc.integer({ min: 0, max: 30 }), { freq: 12 }),
  kind: fc.option(fc.constantFrom('x', 'y', 'z'), { freq: 10 }),
  value: fc.option(fc.integer({ min: -20, max: 20 }), { freq: 2 }),
})
const full = fc.array(row, { minLength: 0, maxLength: 60, size: 'max' })
/** Also tables in which few have a value. */
const rows = fc.oneof(
  full,
  full.map((all) => all.map((one) => ((one.key ?? 0) % 6 === 0 ? one : { ...one, value: null }))),
)

const COLUMNS = [
  { name: 'who', type: 'integer' },
  { name: 'k', type: 'integer' },
  { name: 'kind', type: 'text' },
  { name: 'value', type: 'integer' },
] as const

function table(name: string, of: readonly Row[]): TestTable {
  const data = csv(
    'who,k,kind,value',
    of.map(({ who, key, kind, value }) => [who, key, kind, value]),
  )
  return { name, owner: `owner-${name}`, contributor: 'who', columns: COLUMNS, data }
}

/** One of each key, so that no figure is multiplied. */
function withUniqueKeys(of: readonly Row[]): Row[] {
  const seen = new Set<number>()
  return of.filter(({ key }) => key === null || (!seen.has(key) && seen.add(key)))
}

interface Source {
  readonly from: string
  readonly alias: string
  read(a: readonly Row[], b: readonly Row[]): Joined[]
}

const alone = (one: readonly Row[]): Joined[] => one.map((a) => ({ a, b: undefined }))
const matches = (one: Row, other: Row): boolean => one.key !== null && one.key === other.key

/** What queries read. `alias` is of the table whose columns are grouped by and looked at. */
const SOURCES: readonly Source[] = [
  { from: 'a', alias: 'a', read: (a) => alone(a) },
  {
    from: '(SELECT kind, value FROM a WHERE value > -10) a',
    alias: 'a',
    read: (a) => alone(a.filter(({ value }) => value !== null && value > -10)),
  },
  {
    from: 'a JOIN b USING (k)',
    alias: 'a',
    read: (a, b) =>
      a.flatMap((one) => b.filter((other) => matches(one, other)).map((other) => ({ a: one, b: other }))),
  },
  {
    from: 'a LEFT JOIN b ON b.k = a.k',
    alias: 'a',
    read: (a, b) =>
      a.flatMap((one): Joined[] => {
        const found = b.filter((other) => matches(one, other))
        return found.length === 0 ? [{ a: one, b: undefined }] : found.map((other) => ({ a: one, b: other }))
      }),
  },
  {
    from: '(SELECT kind, value FROM a UNION ALL SELECT kind, value FROM b) u',
    alias: 'u',
    read: (a, b) => [...alone(a), ...b.map((other) => ({ a: undefined, b: other }))],
  },
]

const FILTERS: readonly (readonly [sql: (alias: string) => string, (row: Row) => boolean])[] = [
  [() => 'true', () => true],
  [(t) => `${t}.value >= 0`, ({ value }) => value !== null && value >= 0],
  [
    (t) => `${t}.kind IN ('x', 'y') OR ${t}.value IS NULL`,
    ({ kind, value }) => kind === 'x' || kind === 'y' || value === null,
  ],
  [(t) => `NOT (${t}.value % 3 = 0)`, ({ value }) => value !== null && value % 3 !== 0],
]

const KEYS: readonly (readonly [sql: (alias: string) => string, (row: Row) => unknown])[] = [
  [(t) => `${t}.kind`, ({ kind }) => kind],
  [(t) => `${t}.value % 2`, ({ value }) => (value === null ? null : (value % 2) + 0)],
  [
    (t) => `CASE WHEN ${t}.value > 0 THEN 'up' ELSE 'down' END`,
    ({ value }) => (value !== null && value > 0 ? 'up' : 'down'),
  ],
  [(t) => `coalesce(${t}.kind, 'none')`, ({ kind }) => kind ?? 'none'],
]

/** Contributors of each owner among rows, who are there and not NULL. */
function contributors(of: readonly Joined[], side: 'a' | 'b'): number {
  return new Set(of.flatMap((one) => one[side]?.who ?? [])).size
}

describe.skipIf(NO_DUCKDB)('groups of a query', () => {
  it('have enough contributors of every owner, and are all that have', async () => {
    await fc.assert(
      fc.asyncProperty(
        rows,
        rows,
        fc.constantFrom(...SOURCES),
        fc.constantFrom(...FILTERS),
        fc.uniqueArray(fc.constantFrom(...KEYS), { minLength: 0, maxLength: 2 }),
        fc.integer({ min: 2, max: 7 }),
        fc.boolean(),
        async (a, allOfB, source, [filter, isTaken], keys, least, withValue) => {
          const b = withUniqueKeys(allOfB)
          const { alias } = source
          const groups = keys.map(([sql]) => sql(alias))
          const shown = [...groups.map((sql, at) => `${sql} AS g${at}`), 'count(*) AS n']
          if (withValue) shown.push(`sum(${alias}.value) AS s`)
          const found = await query({
            tables: [table('a', a), table('b', b)],
            joinKeys: ['k'],
            minContributors: least,
            sql: `SELECT ${shown.join(', ')} FROM ${source.from} WHERE ${filter(alias)}
              ${groups.length > 0 ? `GROUP BY ${groups.join(', ')}` : ''} HAVING count(*) > 0 OR true`,
          })
          const expected = new Map<string, Joined[]>()
          for (const one of source.read(a, b)) {
            const main = (one.a ?? one.b)!
            if (!isTaken(main)) continue
            const key = JSON.stringify(keys.map(([, of]) => of(main)))
            expected.set(key, [...(expected.get(key) ?? []), one])
          }
          const isJoin = source.from.includes('JOIN')
          const isEnough = (of: readonly Joined[]): boolean =>
            (['a', 'b'] as const).every((side) => {
              const isThere = of.some((one) => one[side] !== undefined)
              if (side === 'b' && !isJoin && !isThere) return true
              if (!isJoin && !isThere) return true
              return contributors(of, side) >= least
            })
          const sumOf = (of: readonly Joined[]): number | null => {
            const values = of.flatMap((one) => (one.a ?? one.b)!.value ?? [])
            return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0)
          }
          for (const row of found) {
            const of = expected.get(JSON.stringify(row.slice(0, keys.length)))!
            expect(isEnough(of)).toBe(true)
            expect(row[keys.length]).toBe(of.length)
            if (!withValue) continue
            expect(row[keys.length + 1]).toBe(sumOf(of))
            // A sum is of as many people as the group.
            const counted = of.filter((one) => (one.a ?? one.b)!.value !== null)
            expect(isEnough(counted)).toBe(true)
          }
          if (withValue) return
          const all = [...expected].filter(([, of]) => isEnough(of)).map(([key]) => key)
          expect(found.map((one) => JSON.stringify(one.slice(0, keys.length))).sort()).toEqual(all.sort())
        },
      ),
      { numRuns: process.env['SLOW'] === '1' ? 300 : 50, endOnFailure: true },
    )
  })
})
