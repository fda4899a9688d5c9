import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { type DuckDbConnection, openDuckDb } from '../../../src/room/sql/duckdb.ts'
import {
  columnRef,
  type Json,
  named,
  operator,
  select,
  statement,
  tableRef,
} from '../../../src/room/sql/nodes.ts'
import { inParsedForm } from '../../../src/room/sql/parsed-form.ts'
import { statementText } from '../../../src/room/sql/statement-text.ts'
import { NO_DUCKDB, openEngine, query, type TestTable } from './engine.ts'
import { expressions } from './expressions.ts'

const LARGE = 9_007_199_254_740_991
/** Of seven people, of whom one has a number whose square is none of 64 bits. */
const PEOPLE: TestTable = {
  name: 'people',
  owner: 'bank',
  contributor: 'who',
  columns: [
    { name: 'who', type: 'integer' },
    { name: 'x', type: 'integer' },
  ],
  data: `who,x\n${[1, 2, 3, 4, 5, 6].map((who) => `${who},1\n`).join('')}7,${LARGE}\n`,
}
const MANY = Array.from({ length: 40 }, (_, at) => at).join(', ')

/** What whoever writes templates could ask, to learn whether somebody's number is large. */
const QUESTIONS: readonly (readonly [name: string, sql: string])[] = [
  ['a sum of the same', 'SELECT coalesce(x * x + x * x, 0) AS g, count(*) AS n FROM people GROUP BY g'],
  ['two comparisons of the same', 'SELECT x * x > 5 OR x * x < 3 AS g, count(*) AS n FROM people GROUP BY g'],
  [
    'a CASE',
    'SELECT CASE x * x WHEN 1 THEN 1 WHEN 2 THEN 2 ELSE 3 END AS g, count(*) AS n FROM people GROUP BY g',
  ],
  ['two groups', 'SELECT x * x AS g, x * x + 1 AS h, count(*) AS n FROM people GROUP BY g, h'],
  ['a list of many', `SELECT x * x IN (${MANY}) AS g, count(*) AS n FROM people GROUP BY g`],
  ['a condition with a list of many', `SELECT count(*) AS n FROM people WHERE x * x IN (${MANY})`],
  ['no list of many', `SELECT count(*) AS n FROM people WHERE x * x NOT IN (${MANY}) OR x = 1`],
]

describe.skipIf(NO_DUCKDB)('an expression of a template', () => {
  it.each(QUESTIONS)('fails for nobody: %s', async (_, sql) => {
    const rows = await query({ tables: [PEOPLE], minContributors: 2, sql })
    expect(rows.map((row) => row.at(-1))).toEqual([6])
  })

  it('is NULL where it would fail, and of every other row what it says', async () => {
    // A few thousand rows, of which each vector has some that fail.
    const values = Array.from({ length: 6000 }, (_, at) => (at % 500 === 499 ? LARGE : at))
    const data = `who,x\n${values.map((x, at) => `${at},${x}\n`).join('')}`
    const sum = values.reduce((one, x) => (x === LARGE ? one : one + BigInt(x) * BigInt(x)), 0n)
    for (const item of ['coalesce(x * x, 0)', 'CASE WHEN x >= 0 THEN coalesce(x * x, 0) ELSE 5 END']) {
      const sql = `SELECT sum(s) AS s, count(s) AS n FROM (SELECT ${item} AS s FROM people)`
      const rows = await query({ tables: [{ ...PEOPLE, data }], sql })
      expect(rows).toEqual([[Number(sum), 5988]])
    }
  })

  describe('whatever it is made of', () => {
    let connection: DuckDbConnection
    beforeAll(async () => {
      connection = await openDuckDb(openEngine().part, { paths: [], threads: 2, memoryBytes: 2 ** 29 })
      await connection.run('CREATE TABLE r0 (c0 BIGINT, c1 DOUBLE, c2 VARCHAR, c3 DATE, c4 BOOLEAN)')
      await connection.run(
        `INSERT INTO r0 VALUES (${LARGE}, 1e308, 'x', DATE '9999-12-31', true), (0, -0.0, '', DATE '0001-01-01', false),
          (-${LARGE}, 'nan', '1e400', NULL, NULL), (NULL, 'inf', NULL, NULL, true)`,
      )
    })

    it('fails for no row: shown, as a condition, and as a group', async () => {
      const tries = fc.tuple(expressions.any, expressions.any, expressions.boolean)
      await fc.assert(
        fc.asyncProperty(tries, async (parts) => {
          const [one, other, where] = parts.map((part) => operator('OPERATOR_TRY', [part])) as [
            Json,
            Json,
            Json,
          ]
          const from = tableRef('r0')
          const shown = select({ items: [named(one, 'o0'), named(other, 'o1'), named(where, 'o2')], from })
          const groups = [one, other]
          const count = named(columnRef('r0', 'c4'), 'o1')
          for (const node of [
            shown,
            select({ items: [count], from, where }),
            select({ items: groups.map((group, at) => named(group, `g${at}`)), from, groups }),
          ]) {
            const text = await statementText(connection, inParsedForm(statement(node)))
            await connection.run(text)
          }
        }),
        { numRuns: process.env['SLOW'] === '1' ? 3000 : 100 },
      )
    })
  })
})
