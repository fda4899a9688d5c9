import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { type DuckDbConnection, openDuckDb } from '../../../src/room/sql/duckdb.ts'
import {
  call,
  columnRef,
  compare,
  conjunction,
  constant,
  type Json,
  join,
  named,
  operator,
  position,
  select,
  statement,
  subquery,
  tableRef,
  unionAll,
} from '../../../src/room/sql/nodes.ts'
import { inParsedForm } from '../../../src/room/sql/parsed-form.ts'
import { statementText } from '../../../src/room/sql/statement-text.ts'
import { NO_DUCKDB, openEngine } from './engine.ts'
import { expressions } from './expressions.ts'

const numRuns = process.env['SLOW'] === '1' ? 3000 : 200
const ONE = select({ items: [named(columnRef('t0', 'c0'), 'o0')], from: tableRef('t0') })
const ALL = ['c0', 'c1', 'c2', 'c3', 'c4'].map((name) => named(columnRef('t0', name), name))

/** Shows an expression over the table, where another one is true, as queries of rooms are put together. */
function showing(node: Json, where?: Json): string {
  const from = subquery(select({ items: ALL, from: tableRef('t0') }), 'r0')
  const order = [{ type: 'ASCENDING', null_order: 'ORDER_DEFAULT', expression: position(0) }]
  return statement(select({ items: [named(node, 'o0')], from, where, order }))
}

describe.skipIf(NO_DUCKDB)('the text of a statement', () => {
  let connection: DuckDbConnection
  beforeAll(async () => {
    connection = await openDuckDb(openEngine().part, { paths: [], threads: 2, memoryBytes: 2 ** 29 })
    await connection.run(`CREATE TABLE t0 (c0 BIGINT, c1 DOUBLE, c2 VARCHAR, c3 DATE, c4 BOOLEAN)`)
    await connection.run(`INSERT INTO t0 VALUES (1, 0.5, 'a%', DATE '2026-01-31', true), (-7, -2.25, '', DATE '1999-12-01', false),
      (9007199254740991, 1e300, 'ÄB c', DATE '2024-02-29', NULL), (NULL, NULL, NULL, NULL, true)`)
  })

  async function rowsOf(sql: string, values: string[] = []): Promise<string> {
    const read = await connection.runAndReadAll(sql, values)
    return JSON.stringify(read.getRows().map((row) => row.map(String)))
  }

  it('reads as the statement, and answers what its tree does, whatever it is put together from', async () => {
    await fc.assert(
      fc.asyncProperty(expressions.any, expressions.boolean, async (shown, where) => {
        // COALESCE right under TRY is wrong where the tree runs as it is.
        const tree = showing(
          operator('OPERATOR_TRY', [call('list_value', [shown])]),
          operator('OPERATOR_TRY', [operator('OPERATOR_IS_NOT_NULL', [where])]),
        )
        const text = await statementText(connection, inParsedForm(tree))
        const ofTree = await rowsOf('SELECT * FROM json_execute_serialized_sql($1::VARCHAR)', [tree])
        expect(await rowsOf(text)).toBe(ofTree)
      }),
      { numRuns },
    )
  })

  it('has no value but as a value', async () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.stringMatching(/^['"`$?;:\\/*\- \t\n\u00a0\u2028\u3000)(xE]{0,20}$/),
    )
    await fc.assert(
      fc.asyncProperty(
        hostile.filter((value) => !value.includes('\0')),
        async (value) => {
          const text = await statementText(connection, inParsedForm(showing(constant('text', value))))
          const read = await connection.runAndReadAll(text)
          expect(read.getRows()).toEqual([[value], [value], [value], [value]])
        },
      ),
      { numRuns },
    )
  })

  it('is of joins, unions, groups and limits as they were', async () => {
    const branch = select({ items: ALL, from: tableRef('t0') })
    const from = join(
      'LEFT',
      join('INNER', subquery(branch, 'r0'), subquery(branch, 'r1'), key('r0', 'r1')),
      subquery(
        unionAll(branch, select({ items: ALL, from: subquery(unionAll(branch, branch), 't0') })),
        'r2',
      ),
      conjunction('and', [key('r1', 'r2'), conjunction('and', [key('r0', 'r2'), key('r0', 'r1')])]),
    )
    const people = call('count', [columnRef('r1', 'c0')], { distinct: true, filter: columnRef('r2', 'c4') })
    const tree = statement(
      select({
        items: [named(columnRef('r0', 'c2'), 'o0'), named(people, 'o1'), named(call('count_star', []), 'o2')],
        from,
        groups: [columnRef('r0', 'c2'), constant('integer', 1)],
        having: compare('COMPARE_GREATERTHANOREQUALTO', people, constant('integer', 1)),
        order: [{ type: 'DESCENDING', null_order: 'NULLS LAST', expression: position(0) }],
        limit: constant('integer', 5),
        offset: constant('integer', 0),
      }),
    )
    expect(await rowsOf(await statementText(connection, inParsedForm(tree)))).toBe('[["a%","1","3"]]')
  })

  it.each<[string, string]>([
    ['a whole number whose type is not written', showing(constant('integer', 5))],
    ['a truth that is not written', showing(constant('boolean', true))],
    ['AND of ANDs', showing(conjunction('and', [conjunction('and', [isThere(), isThere()]), isThere()]))],
    ['NOT of a comparison', showing(operator('OPERATOR_NOT', [key('r0', 'r0')]))],
    ['unions of another shape', statement(unionAll(unionAll(ONE, ONE), ONE))],
    ['a text that DuckDB cuts off', showing(constant('text', 'a\0b'))],
    ['a function by another name', showing(call('COUNT_STAR', []))],
    ['a call as an operator', showing(call('abs', [position(0)], { is_operator: true }))],
    ['a member that is not there', edited('"sample":null,', '')],
    ['a member too many', edited('"sample":null,', '"sample":null,"more":null,')],
    ['a number that is rounded', edited('"value":3', '"value":36028797018963969')],
    ['two statements', twice(showing(position(0)))],
  ])('is refused for %s', async (_, tree) => {
    await expect(statementText(connection, tree)).rejects.toMatchObject({ code: 'ROOM_SQL_FAILED' })
  })

  it.each([
    ['no JSON', '{'],
    ['no statement', '{"error":false,"statements":[]}'],
    ['something else', '[]'],
    ['an error', '{"error":true,"error_type":"parser","error_message":"x"}'],
    ['a type that DuckDB does not have', edited('"VARCHAR"', '"TEXT"')],
    ['a statement that is no SELECT', '{"error":false,"statements":[{"node":{"type":"INSERT_NODE"}}]}'],
  ])('is none for %s', async (_, tree) => {
    await expect(statementText(connection, tree)).rejects.toThrow()
  })
})

function key(one: string, other: string): Json {
  return compare('COMPARE_EQUAL', columnRef(one, 'c0'), columnRef(other, 'c0'))
}

function isThere(): Json {
  return operator('OPERATOR_IS_NOT_NULL', [columnRef('r0', 'c0')])
}

/** A statement that would be taken, with something else in one place. */
function edited(what: string, by: string): string {
  const tree = showing(call('concat', [constant('text', 'x'), position(2)]))
  if (!tree.includes(what)) throw new Error('nothing to edit')
  return tree.replace(what, by)
}

function twice(tree: string): string {
  const { statements } = JSON.parse(tree) as { statements: unknown[] }
  return JSON.stringify({ error: false, statements: [...statements, ...statements] })
}
