import type { SqlPolicy } from '../../packages/enclave/src/room/sql/index.ts'
import { type BenchTable, PEOPLE, PURCHASES } from './tables.ts'

/** A query under one rule. */
export interface QueryCase {
  readonly name: string
  /** What holds for whoever is in the tables. */
  readonly rule: string
  readonly tables: readonly BenchTable[]
  readonly sql: string
  readonly policy: SqlPolicy
}

/** Contributors that every group has at least; 1: nobody is protected. */
const LEAST = [1, 10, 50]

const QUERIES = [
  {
    name: 'group-by',
    tables: [PEOPLE],
    sql: 'SELECT region, count(*) AS n, avg(age) AS age FROM people GROUP BY region',
  },
  {
    name: 'join, group-by',
    tables: [PEOPLE, PURCHASES],
    sql: 'SELECT region, count(*) AS n, sum(amount) AS total FROM people JOIN purchases USING (id) GROUP BY region',
  },
]

const NOISY = {
  name: 'sum',
  tables: [PEOPLE],
  sql: 'SELECT count(*) AS n, sum(age) AS ages FROM people',
}

export const QUERY_CASES: readonly QueryCase[] = [
  ...QUERIES.flatMap((query) =>
    LEAST.map((least) => ({ ...query, rule: `k = ${least}`, policy: policyOver(query.tables, least) })),
  ),
  { ...NOISY, rule: 'k = 1', policy: policyOver(NOISY.tables, 1) },
  {
    ...NOISY,
    rule: 'noise',
    policy: {
      ...policyOver(NOISY.tables, 1),
      noise: { epsilonMicros: 1_000_000, maxRowsPerContributor: 1, clip: { min: 0, max: 120 } },
    },
  },
]

function policyOver(tables: readonly BenchTable[], minContributors: number): SqlPolicy {
  return { tables, forbidden: [], joinKeys: ['id'], minContributors }
}
