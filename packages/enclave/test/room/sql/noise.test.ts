import { describe, expect, it } from 'vitest'
import { addNoise } from '../../../src/room/sql/noise.ts'
import type { NoisePlan } from '../../../src/room/sql/noise-plan.ts'
import { NO_DUCKDB, query, type TestRun } from './engine.ts'
import { RULES } from './people.ts'
import { seededBytes } from '../../noise/seeded.ts'

/** An epsilon of 100 for one figure with one row of each person: noise that is hardly ever another number than 0. */
const SHARP = { epsilonMicros: 100_000_000, maxRowsPerContributor: 1, clip: { min: 0, max: 1 } }

function ask(sql: string, over: Partial<TestRun> = {}): ReturnType<typeof query> {
  return query({ ...RULES, minContributors: 1, noise: SHARP, sql, ...over })
}

/** Rule that a template breaks. */
async function ruleOf(sql: string): Promise<string | undefined> {
  return ask(sql).then(
    () => undefined,
    ({ found }: { found?: string }) => found?.split(':')[0],
  )
}

const BY_REGION = `CASE WHEN region = 'north' THEN 'north' WHEN region = 'east' THEN 'east' ELSE 'other' END AS r`

describe.skipIf(NO_DUCKDB)('a query with noise', () => {
  it('answers every group that it lists, and no other', async () => {
    const found = await ask(`SELECT ${BY_REGION}, count(*) AS n FROM shop GROUP BY r`)
    expect(found).toEqual([
      ['north', 18],
      ['east', 0],
      ['other', 12],
    ])
  })

  it('counts as many rows of a person as it may', async () => {
    const noise = { ...SHARP, maxRowsPerContributor: 2 }
    expect(await ask('SELECT count(*) AS n FROM shop', { noise })).toEqual([[60]])
  })

  it('clips what it sums, whatever one person brought', async () => {
    const noise = { ...SHARP, clip: { min: 1, max: 1 } }
    expect(await ask('SELECT sum(amount) AS s FROM shop', { noise })).toEqual([[30]])
  })

  it('adds noise that differs from run to run', async () => {
    const noise = { ...SHARP, epsilonMicros: 1 }
    const [[one], [other]] = await Promise.all(
      [0, 1].map(async () => (await ask('SELECT count(*) AS n FROM shop', { noise }))[0] as [number]),
    ).then((all) => all as [[number], [number]])
    expect(one).not.toBe(other)
  })

  it('hides groups of too few by a count that has noise too', async () => {
    const noise = { ...SHARP, epsilonMicros: 100_000_000 }
    const sql = `SELECT CASE WHEN region = 'west' THEN 'west' ELSE 'other' END AS r, count(*) AS n FROM shop GROUP BY 1`
    expect(await ask(sql, { noise, minContributors: 5 })).toEqual([
      ['west', null],
      ['other', 29],
    ])
  })

  it('unites people of several owners, each of them once', async () => {
    const sql = 'SELECT count(*) AS n FROM (SELECT items FROM shop UNION ALL SELECT balance FROM bank)'
    expect(await ask(sql)).toEqual([[60]])
  })

  it.each([
    ['HAVING', 'SELECT count(*) AS n FROM shop HAVING count(*) > 5', 'noise-shape'],
    ['an order', 'SELECT count(*) AS n FROM shop ORDER BY n', 'noise-shape'],
    ['a limit', 'SELECT count(*) AS n FROM shop LIMIT 1', 'noise-shape'],
    ['arithmetic with figures', 'SELECT count(*) * 2 AS n FROM shop', 'aggregate-list'],
    ['rows', 'SELECT region FROM shop', 'noise-shape'],
    ['an average', 'SELECT avg(amount) AS a FROM shop', 'noise-shape'],
    ['a maximum', 'SELECT max(amount) AS a FROM shop', 'noise-shape'],
    ['different people', 'SELECT count(DISTINCT customer) AS n FROM shop', 'noise-shape'],
    ['groups that the data make', 'SELECT region, count(*) AS n FROM shop GROUP BY region', 'noise-key'],
    [
      'groups of a CASE of data',
      `SELECT CASE WHEN vip THEN region ELSE 'x' END AS r, count(*) AS n FROM shop GROUP BY r`,
      'noise-key',
    ],
    [
      'figures of figures',
      'SELECT count(*) AS n FROM (SELECT region, count(*) AS m FROM shop GROUP BY region)',
      'one-aggregation',
    ],
    [
      'a union of figures',
      'SELECT count(*) AS n FROM shop UNION ALL SELECT count(*) FROM bank',
      'noise-shape',
    ],
    [
      'people of two owners in one row',
      'SELECT count(*) AS n FROM shop JOIN bank USING (email)',
      'noise-contributor',
    ],
    [
      'one table in two branches',
      'SELECT count(*) AS n FROM (SELECT items FROM shop UNION ALL SELECT items FROM shop)',
      'noise-contributor',
    ],
    [
      'a table joined with itself',
      'SELECT count(*) AS n FROM shop a JOIN shop b USING (email)',
      'noise-contributor',
    ],
    ['a forbidden column', `SELECT count(*) AS n FROM shop WHERE name = 'x'`, 'forbidden-column'],
  ])('refuses %s', async (_, sql, rule) => {
    expect(await ruleOf(sql)).toBe(rule)
  })
})

describe('noise', () => {
  const plan: NoisePlan = {
    kind: 'noise',
    columns: [
      { name: 'n', type: 'integer' },
      { name: 's', type: 'integer' },
    ],
    from: undefined as never,
    where: undefined,
    keys: [],
    aggregates: [
      { name: 'count', argument: undefined },
      { name: 'sum', argument: undefined },
    ],
    shown: [
      { kind: 'aggregate', at: 0 },
      { kind: 'aggregate', at: 1 },
    ],
    contributors: [],
    minContributors: 1,
    noise: { epsilonMicros: 1_000_000, maxRowsPerContributor: 3, clip: { min: -10, max: 4 } },
  }

  it('is as large as what one person can change, and an even share of epsilon, ask for', () => {
    const random = seededBytes('size')
    let [counts, sums] = [0, 0]
    for (let at = 0; at < 2000; at++) {
      const [row] = addNoise(plan, [[100, 1000]], random)
      counts += Math.abs(Number(row![0]) - 100)
      sums += Math.abs(Number(row![1]) - 1000)
    }
    // The mean of |x| is about the scale: 3 rows, and 3 rows of 10 at most, each over half an epsilon of 1.
    expect(counts / 2000).toBeGreaterThan(6 * 0.9)
    expect(counts / 2000).toBeLessThan(6 * 1.1)
    expect(sums / 2000).toBeGreaterThan(60 * 0.9)
    expect(sums / 2000).toBeLessThan(60 * 1.1)
  })

  it('refuses a figure that is no whole number', () => {
    expect(() => addNoise(plan, [[0.5, 1]])).toThrow(expect.objectContaining({ code: 'ROOM_SQL_CRASHED' }))
  })
})
