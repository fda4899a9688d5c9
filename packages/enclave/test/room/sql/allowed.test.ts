import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkTemplate, type SqlPolicy } from '../../../src/room/sql/index.ts'
import { encodePlan } from '../../../src/room/sql/encode-plan.ts'
import { parameterValues } from '../../../src/room/sql/parameters.ts'
import { SqlProcess } from '../../../src/room/sql/process.ts'
import { NO_DUCKDB, openEngine, query } from './engine.ts'
import { RULES } from './people.ts'

/** What templates are for: each breaks no rule. */
const ALLOWED: readonly (readonly [name: string, sql: string])[] = [
  ['a figure', 'SELECT count(*) FROM shop'],
  [
    'figures by groups',
    'SELECT region, count(*) AS n, sum(amount) AS s, avg(amount) AS a FROM shop GROUP BY region',
  ],
  ['deviations', 'SELECT stddev(amount) AS a, var_pop(items) AS b, variance(items) AS c FROM shop'],
  ['arithmetic with figures', 'SELECT round(100.0 * sum(items) / count(*), 2) AS share FROM shop'],
  ['groups by their names', `SELECT upper(trim(region)) AS r, count(*) FROM shop GROUP BY r`],
  ['groups by their numbers', 'SELECT region, vip, count(*) FROM shop GROUP BY 1, 2 ORDER BY 3 DESC, 1'],
  [
    'groups by time',
    `SELECT date_trunc('month', day) AS m, year(day) AS y, count(*) FROM shop GROUP BY ALL_ LIMIT 5`.replace(
      'ALL_',
      '1, 2',
    ),
  ],
  [
    'groups by CASE',
    `SELECT CASE WHEN items < 10 THEN 'few' ELSE 'many' END AS c, count(*) FROM shop GROUP BY c`,
  ],
  [
    'groups by whole numbers',
    'SELECT CAST(floor(amount / 10) AS INTEGER) * 10 AS b, count(*) FROM shop GROUP BY b',
  ],
  [
    'conditions',
    `SELECT count(*) FROM shop WHERE day BETWEEN DATE '2026-01-01' AND DATE '2026-02-01' AND region LIKE 'n%'
    AND region NOT IN ('x', 'y') AND (vip IS NOT NULL OR NOT vip) AND coalesce(items, 0) % 2 = 0`,
  ],
  [
    'HAVING, ORDER BY and LIMIT',
    'SELECT region, count(*) AS n FROM shop GROUP BY region HAVING sum(items) > 5 ORDER BY n DESC NULLS LAST LIMIT 3 OFFSET 1',
  ],
  [
    'a join by a key',
    'SELECT b.segment, sum(s.amount) FROM shop s JOIN bank b ON s.email = b.email GROUP BY b.segment',
  ],
  ['a join with USING', 'SELECT b.segment, count(*) FROM shop JOIN bank b USING (email) GROUP BY 1'],
  ['a LEFT JOIN', 'SELECT count(*), count(b.balance) FROM shop s LEFT JOIN bank b USING (email)'],
  ['different people', 'SELECT count(DISTINCT s.customer) FROM shop s JOIN bank b USING (email)'],
  ['a union', 'SELECT avg(v) FROM (SELECT items AS v FROM shop UNION ALL SELECT balance FROM bank)'],
  [
    'WITH',
    'WITH w AS (SELECT *, items > 5 AS big FROM shop), v AS (SELECT big, amount FROM w) SELECT big, sum(amount) FROM v GROUP BY big',
  ],
  [
    'figures of figures',
    'SELECT max(n) AS most, min(n) AS least FROM (SELECT region, count(*) AS n FROM shop GROUP BY region)',
  ],
  [
    'a condition of figures',
    'SELECT r FROM (SELECT region AS r, count(*) AS n FROM shop GROUP BY region) WHERE n > 40',
  ],
  ['a product of two columns', 'SELECT sum(amount * items) FROM shop'],
]

describe.skipIf(NO_DUCKDB)('templates', () => {
  let reader: SqlProcess
  beforeAll(async () => {
    const engine = openEngine()
    reader = new SqlProcess({ ...engine, fds: [], timeoutMs: 60_000 })
    await reader.ask({ ask: 'open', part: engine.part, fds: [], threads: 1, memoryBytes: 2 ** 28 }, 'opened')
  })
  afterAll(() => reader.close())

  async function parse(sql: string): Promise<string> {
    return (await reader.ask({ ask: 'parse', sql }, 'parsed')).tree
  }

  it.each(ALLOWED)('may have %s', async (_, sql) => {
    expect(() => checkTemplate('', [], RULES)).toThrow()
    expect(checkTemplate(await parse(sql), [], RULES).kind).toBe('query')
  })

  it('run as what was checked: no name of them is in what runs, and no value but as a value', async () => {
    const sql = `WITH inner_name AS (SELECT region AS alias_name FROM shop table_name WHERE items > $low)
      SELECT alias_name AS shown_name, count(*) AS other_name FROM inner_name WHERE alias_name <> $word GROUP BY 1`
    const parameters = [
      { name: 'low', type: 'integer' },
      { name: 'word', type: 'text' },
    ] as const
    const plan = checkTemplate(await parse(sql), parameters, RULES)
    if (plan.kind !== 'query') throw new Error('no query')
    const word = `x'; DROP TABLE t0; --"`
    const text = encodePlan(
      plan,
      parameterValues(parameters, [
        { name: 'low', value: '-3' },
        { name: 'word', value: word },
      ]),
    )
    expect(text).not.toMatch(
      /_name"?:? ?"?(?:inner|alias|shown|other)|inner_name|alias_name|shown_name|other_name|"shop"|region/,
    )
    expect(text).toContain(JSON.stringify(word))
    expect(await query({ ...RULES, sql, parameters, arguments: { low: '-3', word } })).toEqual([
      ['north', 54],
      ['south', 33],
    ])
  })

  it.each([
    ['SELECT region AS x, region AS y, count(*) AS n FROM shop GROUP BY 1, 2', ['north', 'north', 54]],
    ['SELECT region AS x, count(*) AS n FROM shop s GROUP BY s.region, region', ['north', 54]],
    ['SELECT 5 AS x, count(*) AS n FROM shop GROUP BY x', [5, 90]],
    ['SELECT 1 AS x, 1 AS y, true AS z, count(*) AS n FROM shop GROUP BY x, y, z', [1, 1, true, 90]],
  ])('may group by a constant, and by the same twice: %s', async (sql, first) => {
    expect((await query({ ...RULES, sql }))[0]).toEqual(first)
  })

  it('are the same text for the same query, whatever its comments and letters', async () => {
    const texts: string[] = []
    for (const sql of ['SELECT count(*) AS n FROM shop', 'select COUNT(*) /* all */ as N from "SHOP" -- x']) {
      const plan = checkTemplate(await parse(sql), [], RULES)
      texts.push(plan.kind === 'query' ? encodePlan(plan, new Map()) : '')
    }
    expect(texts[0]).toBe(texts[1])
  })

  describe('of data that no rule protects', () => {
    const open: SqlPolicy = { ...RULES, minContributors: 1 }

    it.each([
      ['rows', 'SELECT region, amount FROM shop ORDER BY amount LIMIT 5'],
      ['a maximum', 'SELECT max(amount) FROM shop'],
      ['a sum of CASE', `SELECT sum(CASE WHEN vip THEN 1 ELSE 0 END) FROM shop`],
      ['different values', 'SELECT count(DISTINCT region) FROM shop'],
      ['its contributors', 'SELECT customer, count(*) FROM shop GROUP BY customer'],
      ['groups by numbers with fractions', 'SELECT amount, count(*) FROM shop GROUP BY amount'],
      ['a union of rows', 'SELECT items FROM shop UNION ALL SELECT balance FROM bank'],
    ])('may have %s', async (_, sql) => {
      expect(checkTemplate(await parse(sql), [], open).kind).toBe('query')
    })

    it.each([
      ['a forbidden column', 'SELECT name FROM shop', 'forbidden-column'],
      ['all columns', 'SELECT * FROM shop', 'join-key'],
      ['a join key', 'SELECT email FROM shop', 'join-key'],
      [
        'a comparison of owners',
        'SELECT s.items FROM shop s JOIN bank b USING (email) WHERE s.items = b.balance',
        'compare-owners',
      ],
      ['a file', `SELECT * FROM '/etc/passwd.csv'`, 'known-table'],
      ['names twice', 'SELECT region, vip AS region FROM shop', 'output-name'],
      ['a wrong type', `SELECT items + region AS x FROM shop`, 'type'],
      ['a comparison of types', `SELECT items FROM shop WHERE items = 'x'`, 'type'],
      ['a limit that is no number', `SELECT items FROM shop LIMIT 'x'`, 'type'],
    ])('may not have %s', async (_, sql, rule) => {
      const tree = await parse(sql)
      expect(() => checkTemplate(tree, [], open)).toThrow(
        expect.objectContaining({ found: expect.stringContaining(`${rule}: `) }),
      )
    })
  })
})
