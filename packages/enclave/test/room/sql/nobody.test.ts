import { describe, expect, it } from 'vitest'
import { NO_DUCKDB, query, type TestTable } from './engine.ts'
import { csv } from './people.ts'

type Row = readonly [who: number | null, value: number | null]

/** Five people, each with a value. */
const FIVE: readonly Row[] = [1, 2, 3, 4, 5].map((who) => [who, who * 10])

function table(name: string, rows: readonly Row[]): TestTable {
  return {
    name,
    owner: `owner-${name}`,
    contributor: 'who',
    columns: [
      { name: 'who', type: 'integer' },
      { name: 'value', type: 'integer' },
    ],
    data: csv('who,value', rows),
  }
}

function ask(sql: string, a: readonly Row[], b: readonly Row[]): ReturnType<typeof query> {
  return query({ tables: [table('a', a), table('b', b)], joinKeys: [], minContributors: 5, sql })
}

const UNION = 'SELECT value FROM a UNION ALL SELECT value FROM b'

describe.skipIf(NO_DUCKDB)('rows of nobody', () => {
  it('are no people of their branch of a UNION, also where they lack what is summed', async () => {
    const sql = `SELECT count(*) AS n, sum(value) AS s FROM (${UNION})`
    expect(await ask(sql, FIVE, [[null, null]])).toEqual([])
    expect(await ask(sql, FIVE, [])).toEqual([[5, 150]])
  })

  it('count beside enough people of one table, whether they have what is summed or lack it', async () => {
    const sql = 'SELECT count(*) AS n, sum(value) AS s FROM a'
    expect(await ask(sql, [...FIVE, [null, null]], [])).toEqual([[6, 150]])
    expect(await ask(sql, [...FIVE, [6, null]], [])).toEqual([])
    expect(await ask(sql, [...FIVE.slice(1), [null, null]], [])).toEqual([])
  })
})
