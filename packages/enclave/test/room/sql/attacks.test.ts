import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkTemplate } from '../../../src/room/sql/index.ts'
import { SqlProcess } from '../../../src/room/sql/process.ts'
import { REFUSED } from './attacks.ts'
import { NO_DUCKDB, openEngine, query, type TestRun } from './engine.ts'
import { BANK, csv, RULES, SHOP } from './people.ts'

describe.skipIf(NO_DUCKDB)('refused', () => {
  let reader: SqlProcess
  beforeAll(async () => {
    const engine = openEngine()
    reader = new SqlProcess({ ...engine, fds: [], timeoutMs: 60_000 })
    await reader.ask({ ask: 'open', part: engine.part, fds: [], threads: 1, memoryBytes: 2 ** 28 }, 'opened')
  })
  afterAll(() => reader.close())

  it.each(REFUSED)('%s', async (_, sql, rule) => {
    const { tree } = await reader.ask({ ask: 'parse', sql }, 'parsed')
    expect(() => checkTemplate(tree, [], RULES)).toThrow(
      expect.objectContaining({ code: 'ROOM_SQL_REFUSED', found: expect.stringContaining(`${rule}: `) }),
    )
  })

  it('counts at least sixty of them, each with a name of its own', () => {
    expect(new Set(REFUSED.map(([name]) => name)).size).toBe(REFUSED.length)
    expect(REFUSED.length).toBeGreaterThanOrEqual(60)
  })
})

/** Runs a query over the shop and the bank. */
function ask(sql: string, over: Partial<TestRun> = {}): ReturnType<typeof query> {
  return query({ ...RULES, sql, ...over })
}

/** The error of a run that fails. */
async function failureOf(run: Promise<unknown>): Promise<{ code: string; text: string }> {
  const error = await run.then(
    () => undefined,
    (reason: unknown) => reason as { code: string; message: string; expected?: string; found?: string },
  )
  return { code: error?.code ?? 'none', text: [error?.message, error?.expected, error?.found].join(' ') }
}

describe.skipIf(NO_DUCKDB)('allowed, and without a group of too few', () => {
  it('a group of one by HAVING', async () => {
    const sql =
      'SELECT region, count(*) AS n FROM shop GROUP BY region HAVING count(*) < 4 OR true ORDER BY n'
    expect(await ask(sql)).toEqual([
      ['south', 33],
      ['north', 54],
    ])
  })

  it('a group of one by WHERE', async () => {
    expect(await ask(`SELECT sum(amount) AS s, count(*) AS n FROM shop WHERE region = 'west'`)).toEqual([])
  })

  it('a group of nobody', async () => {
    expect(await ask(`SELECT count(*) AS n FROM shop WHERE region = 'nowhere'`)).toEqual([])
  })

  it('a nearly unique key', async () => {
    expect(await ask('SELECT phone, count(*) AS n FROM shop GROUP BY phone')).toEqual([])
  })

  it('a nearly unique key as text of a number with fractions', async () => {
    expect(await ask('SELECT CAST(items / 3.0 AS VARCHAR) AS x, count(*) AS n FROM shop GROUP BY x')).toEqual(
      [],
    )
  })

  it('the first of an order, which is the first of the groups that are left', async () => {
    const sql = 'SELECT region, sum(amount) AS s FROM shop GROUP BY region ORDER BY s DESC LIMIT 1'
    expect((await ask(sql)).map(([region]) => region)).toEqual(['south'])
  })

  it('contributors that a LEFT JOIN did not find', async () => {
    const few = {
      ...BANK,
      data: csv('client,email,segment,balance,name', [[1, 'e1@x.example', 'gold', 5, 's']]),
    }
    const tables = [SHOP, few]
    const sql = 'SELECT count(*) AS n FROM shop s LEFT JOIN bank b USING (email)'
    expect(await ask(sql, { tables })).toEqual([])
    // The other way round too: of the bank there is one.
    expect(await ask('SELECT count(*) AS n FROM bank b LEFT JOIN shop s USING (email)', { tables })).toEqual(
      [],
    )
  })

  it('contributors that are NULL', async () => {
    const rows = Array.from({ length: 20 }, (_, at) => [at < 4 ? at : null, 'north'])
    const table = {
      name: 'shop',
      owner: 'retailer',
      contributor: 'customer',
      columns: SHOP.columns.filter(({ name }) => name === 'customer' || name === 'region'),
      data: csv('customer,region', rows),
    }
    expect(await ask('SELECT count(*) AS n FROM shop', { tables: [table], forbidden: [] })).toEqual([])
  })

  it('a table that is joined with itself', async () => {
    const sql = `SELECT a.region, count(*) AS n FROM shop a JOIN shop b USING (email) GROUP BY a.region ORDER BY n`
    expect((await ask(sql)).map(([region]) => region)).toEqual(['south', 'north'])
  })

  it('a table that is united with itself', async () => {
    const sql = `SELECT count(*) AS n FROM (SELECT region FROM shop UNION ALL SELECT region FROM shop) WHERE region = 'west'`
    expect(await ask(sql)).toEqual([])
  })

  it('people of another owner as padding', async () => {
    const sql = `SELECT count(*) AS n, sum(v) AS s FROM (
      SELECT items AS v FROM shop WHERE region = 'west' UNION ALL SELECT balance FROM bank)`
    expect(await ask(sql)).toEqual([])
  })

  it('a contributor column that a subquery overwrites', async () => {
    const sql = `SELECT count(*) AS n FROM (SELECT items AS customer, region FROM shop) WHERE region = 'west'`
    expect(await ask(sql)).toEqual([])
  })

  it('a contributor column that a subquery hides', async () => {
    const sql = `WITH w AS (SELECT region AS r FROM shop) SELECT r, count(*) AS n FROM w GROUP BY r ORDER BY r`
    expect(await ask(sql)).toEqual([
      ['north', 54],
      ['south', 33],
    ])
  })

  it('values that only one person has', async () => {
    const rows = Array.from({ length: 20 }, (_, at) => [at, at === 7 ? 12.5 : null])
    const table = {
      name: 'shop',
      owner: 'retailer',
      contributor: 'customer',
      columns: SHOP.columns.filter(({ name }) => name === 'customer' || name === 'amount'),
      data: csv('customer,amount', rows),
    }
    const over = { tables: [table], forbidden: [] }
    expect(await ask('SELECT sum(amount) AS s FROM shop', over)).toEqual([])
    expect(await ask('SELECT count(amount) AS n FROM shop', over)).toEqual([])
    expect(await ask('SELECT count(*) AS n FROM shop', over)).toEqual([[20]])
  })

  it('values that all but one person have', async () => {
    const rows = Array.from({ length: 20 }, (_, at) => [at, at === 7 ? null : 12.5])
    const table = {
      name: 'shop',
      owner: 'retailer',
      contributor: 'customer',
      columns: SHOP.columns.filter(({ name }) => name === 'customer' || name === 'amount'),
      data: csv('customer,amount', rows),
    }
    expect(
      await ask('SELECT count(*) AS n, count(amount) AS m FROM shop', { tables: [table], forbidden: [] }),
    ).toEqual([])
  })

  it('two queries that differ by one person, each of which is allowed: a matter of the ledger', async () => {
    const [[all]] = (await ask('SELECT count(*) AS n FROM shop')) as [[number]]
    const [[most]] = (await ask(`SELECT count(*) AS n FROM shop WHERE region <> 'west'`)) as [[number]]
    expect(all - most).toBe(3)
  })

  it('NaN and infinities', async () => {
    const rows = Array.from({ length: 20 }, (_, at) => [at, ['nan', 'inf', '-inf', '1e308'][at] ?? at])
    const table = {
      name: 'shop',
      owner: 'retailer',
      contributor: 'customer',
      columns: SHOP.columns.filter(({ name }) => name === 'customer' || name === 'amount'),
      data: csv('customer,amount', rows),
    }
    const sql = 'SELECT sum(amount) AS s, avg(amount * amount) AS q, stddev(amount) AS d FROM shop'
    // The deviation leaves out four people, and so it is not there.
    expect(await ask(sql, { tables: [table], forbidden: [] })).toEqual([])
    expect(await ask('SELECT sum(amount) AS s FROM shop', { tables: [table], forbidden: [] })).toEqual([
      ['NaN'],
    ])
  })

  it('huge whole numbers', async () => {
    const rows = Array.from({ length: 20 }, (_, at) => [at, `${2n ** 63n - 1n}`])
    const table = {
      name: 'shop',
      owner: 'retailer',
      contributor: 'customer',
      columns: SHOP.columns.filter(({ name }) => name === 'customer' || name === 'items'),
      data: csv('customer,items', rows),
    }
    const sql = 'SELECT sum(items) AS s, sum(items * items) AS q FROM shop WHERE items * 9 > 0 OR items > 0'
    expect(await ask(sql, { tables: [table], forbidden: [] })).toEqual([
      [20n * (2n ** 63n - 1n), 20 * Number(2n ** 63n) ** 2],
    ])
  })
})

describe.skipIf(NO_DUCKDB)('no oracle in errors', () => {
  it('a division by zero for one person', async () => {
    const sql = `SELECT count(*) AS n FROM shop WHERE items // (CASE WHEN region = 'west' THEN 0 ELSE 1 END) >= 0`
    expect(await ask(sql)).toEqual([[87]])
  })

  it('a cast that fails for one person', async () => {
    const sql = `SELECT count(*) AS n FROM shop WHERE CAST(CASE WHEN region = 'west' THEN 'x' ELSE '1' END AS INTEGER) = 1`
    expect(await ask(sql)).toEqual([[87]])
  })

  it('an overflow for one person', async () => {
    const large = `(CASE WHEN region = 'west' THEN 4611686018427 ELSE 0 END)`
    const sql = `SELECT count(*) AS n FROM shop WHERE ${large} * ${large} >= 0`
    expect(await ask(sql)).toEqual([[87]])
  })

  it('an overflow in a key of a group', async () => {
    const sql = `SELECT 4611686018427 * (CASE WHEN region = 'west' THEN 4611686018427 ELSE 0 END) AS g, count(*) AS n
      FROM shop GROUP BY g`
    expect(await ask(sql)).toEqual([[0, 87]])
  })

  it('a condition over groups of too few', async () => {
    const sql = `SELECT region, count(*) AS n FROM shop GROUP BY region
      HAVING 4611686018427 * (CASE WHEN region = 'west' THEN 4611686018427 ELSE 1 END) > 0 ORDER BY n`
    expect((await ask(sql)).map(([region]) => region)).toEqual(['south', 'north'])
  })

  it('a value in a message of DuckDB', async () => {
    const bad = {
      ...SHOP,
      data: `${SHOP.data as string}30,e,p,secret-region,not-a-number,1,2026-01-01,true,n\n`,
    }
    const { code, text } = await failureOf(ask('SELECT count(*) AS n FROM shop', { tables: [bad, BANK] }))
    expect(code).toBe('ROOM_SQL_INPUT')
    expect(text).not.toMatch(/secret|not-a-number/)
  })
})

describe.skipIf(NO_DUCKDB)('too much', () => {
  const key = { name: 'k', type: 'integer' } as const
  const many = {
    name: 'many',
    owner: 'retailer',
    contributor: 'customer',
    columns: [{ name: 'customer', type: 'integer' }, key],
    data: csv(
      'customer,k',
      Array.from({ length: 40_000 }, (_, at) => [at, 1]),
    ),
  } as const

  it('a join of everything with everything', async () => {
    const joined = 'AB'.split('').reduce((from, one) => `${from} JOIN many ${one} USING (k)`, 'many m')
    const run = query({
      tables: [many],
      joinKeys: ['k'],
      minContributors: 5,
      sql: `SELECT count(*) AS n FROM ${joined}`,
      limits: { timeoutMs: 2500 },
    })
    expect(await failureOf(run)).toMatchObject({ code: 'ROOM_SQL_TIMEOUT' })
  })

  it('more memory than there may be', async () => {
    const run = query({
      tables: [many],
      minContributors: 1,
      joinKeys: ['k'],
      sql: `SELECT a.customer + b.customer AS x, count(*) AS n FROM many a JOIN many b USING (k) GROUP BY 1, a.customer, b.customer`,
      limits: { memoryBytes: 64 * 1024 * 1024, timeoutMs: 60_000 },
    })
    expect(await failureOf(run)).toMatchObject({ code: 'ROOM_SQL_MEMORY' })
  })

  it('more rows than the contract allows', async () => {
    const run = query({ tables: [many], sql: 'SELECT customer FROM many', limits: { maxRows: 100 } })
    expect(await failureOf(run)).toMatchObject({ code: 'ROOM_SQL_TOO_LARGE' })
  })

  it('more bytes than the contract allows', async () => {
    const limits = { maxRows: 100_000, maxBytes: 10_000 }
    const run = query({ tables: [many], sql: 'SELECT customer FROM many', limits })
    expect(await failureOf(run)).toMatchObject({ code: 'ROOM_SQL_TOO_LARGE' })
  })
})

describe.skipIf(NO_DUCKDB)('weights', () => {
  it('another owner has one key a million times, so that a sum is of one person', async () => {
    const rows = Array.from({ length: 30 }, (_, at) => [at, `e${at}@x.example`, 'gold', 1, 'n'])
    const heavy = Array.from({ length: 1000 }, (_, at) => [at, 'e7@x.example', 'gold', 1, 'n'])
    const bank = { ...BANK, data: csv('client,email,segment,balance,name', [...rows, ...heavy]) }
    const sql = 'SELECT b.segment, sum(s.amount) AS s FROM shop s JOIN bank b USING (email) GROUP BY 1'
    const { code, text } = await failureOf(ask(sql, { tables: [SHOP, bank] }))
    expect([code, text]).toEqual(['ROOM_SQL_REFUSED', expect.stringContaining('join-multiplicity')])
    const inside = `SELECT g, sum(v) AS s FROM (
      SELECT b.segment AS g, s.amount AS v FROM shop s JOIN bank b USING (email)) GROUP BY g`
    expect((await failureOf(ask(inside, { tables: [SHOP, bank] }))).text).toContain('join-multiplicity')
  })

  it('one owner multiplies what it sums of another', async () => {
    const sql = 'SELECT sum(b.balance) AS s FROM shop s JOIN bank b USING (email)'
    expect((await failureOf(ask(sql))).text).toContain('join-multiplicity')
  })

  it('the honest join', async () => {
    const sql = `SELECT b.segment, count(*) AS n, count(DISTINCT s.customer) AS people, sum(s.items) AS s
      FROM shop s JOIN bank b USING (email) GROUP BY 1 ORDER BY 1`
    expect(await ask(sql)).toEqual([
      ['gold', 30, 10, 600],
      ['plain', 30, 10, 630],
    ])
  })
})
