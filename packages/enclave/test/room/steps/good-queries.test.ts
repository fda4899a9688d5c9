import { describe, expect, it } from 'vitest'
import { type CheckedQueries, GoodQueries } from '../../../src/room/steps/good-queries.ts'

const QUERIES: CheckedQueries = {
  templates: [{ name: 'total', sql: 'SELECT count(*) AS n FROM sales', parameters: [] }],
  policy: {
    tables: [{ name: 'sales', owner: 'shop', columns: [{ name: 'amount', type: 'integer' }] }],
    forbidden: [],
    joinKeys: [],
    minContributors: 5,
  },
  engine: { entry: '/image/sql.js', part: '/image' },
}

/** Looks at queries; says how many were looked at. */
function looking(good = new GoodQueries()) {
  let looks = 0
  return async (queries: CheckedQueries): Promise<number> => {
    await good.check(queries, async () => void looks++)
    return looks
  }
}

describe('queries that were found good', () => {
  it('are not looked at again', async () => {
    const check = looking()
    expect(await check(QUERIES)).toBe(1)
    expect(await check(structuredClone(QUERIES))).toBe(1)
  })

  it.each<[string, Partial<CheckedQueries>]>([
    ['another query', { templates: [{ ...QUERIES.templates[0]!, sql: 'SELECT amount FROM sales' }] }],
    ['one query more', { templates: [...QUERIES.templates, { ...QUERIES.templates[0]!, name: 'more' }] }],
    [
      'another parameter',
      { templates: [{ ...QUERIES.templates[0]!, parameters: [{ name: 'p', type: 'integer' }] }] },
    ],
    ['a stricter rule', { policy: { ...QUERIES.policy, minContributors: 6 } }],
    ['another column that is forbidden', { policy: { ...QUERIES.policy, forbidden: ['amount'] } }],
    [
      'a contributor',
      { policy: { ...QUERIES.policy, tables: [{ ...QUERIES.policy.tables[0]!, contributor: 'amount' }] } },
    ],
    ['another DuckDB', { engine: { ...QUERIES.engine, part: '/other' } }],
  ])('are others with %s', async (_, change) => {
    const check = looking()
    await check(QUERIES)
    expect(await check({ ...QUERIES, ...change })).toBe(2)
  })

  it('are not those that were refused', async () => {
    const good = new GoodQueries()
    const refuse = (): Promise<void> => Promise.reject(new Error('refused'))
    await expect(good.check(QUERIES, refuse)).rejects.toThrow('refused')
    await expect(good.check(QUERIES, refuse)).rejects.toThrow('refused')
    expect(await looking(good)(QUERIES)).toBe(1)
  })

  it('are remembered as long as no thousand others were asked for since', async () => {
    const check = looking()
    const other = (at: number): CheckedQueries => ({
      ...QUERIES,
      policy: { ...QUERIES.policy, minContributors: 100 + at },
    })
    await check(QUERIES)
    for (let at = 0; at < 1023; at++) await check(other(at))
    expect(await check(QUERIES)).toBe(1024)
    await check(other(1023))
    expect(await check(QUERIES)).toBe(1025)
    expect(await check(other(0))).toBe(1026)
  })
})
