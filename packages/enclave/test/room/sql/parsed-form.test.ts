import { describe, expect, it } from 'vitest'
import {
  call,
  caseOf,
  cast,
  columnRef,
  compare,
  conjunction,
  constant,
  type Json,
  named,
  operator,
  position,
  select,
  statement,
  tableRef,
} from '../../../src/room/sql/nodes.ts'
import { inParsedForm } from '../../../src/room/sql/parsed-form.ts'

const COLUMN = columnRef('t0', 'c0')
const [A, B, C, D] = ['a', 'b', 'c', 'd'].map((value) =>
  compare('COMPARE_EQUAL', COLUMN, constant('text', value)),
) as [Json, Json, Json, Json]

function shown(node: Json): string {
  return statement(select({ items: [named(node, 'o0')], from: tableRef('t0'), where: node }))
}

describe('a statement in parsed form', () => {
  it.each<[string, Json, Json]>([
    ['a whole number', constant('integer', -5), cast(constant('text', '-5'), 'integer')],
    [
      'the largest one',
      constant('integer', 2 ** 53 - 1),
      cast(constant('text', '9007199254740991'), 'integer'),
    ],
    ['true', constant('boolean', true), cast(constant('text', 'true'), 'boolean')],
    ['false', constant('boolean', false), cast(constant('text', 'false'), 'boolean')],
  ])('has %s as a cast of its text, under the same name', (_, node, expected) => {
    expect(inParsedForm(shown(node))).toBe(shown(expected))
    expect(inParsedForm(shown(call('abs', [node])))).toBe(shown(call('abs', [expected])))
  })

  it.each<[string, Json]>([
    ['a text', constant('text', `it's "5"`)],
    ['NULL', constant('null', null)],
    ['a date', constant('date', '2026-11-29')],
    ['the number of a column', position(2)],
    ['a column', COLUMN],
    ['AND of ORs', conjunction('and', [conjunction('or', [A, B]), conjunction('or', [C, D])])],
    [
      'AND inside of something else',
      conjunction('and', [A, operator('OPERATOR_NOT', [conjunction('and', [B, C])])]),
    ],
  ])('has %s as it was', (_, node) => {
    expect(inParsedForm(shown(node))).toBe(shown(node))
  })

  it('has one AND for an AND of ANDs, however deep, in the same order', () => {
    const deep = conjunction('and', [conjunction('and', [A, conjunction('and', [B, C])]), D])
    expect(inParsedForm(shown(deep))).toBe(shown(conjunction('and', [A, B, C, D])))
    const inside = caseOf([{ when: conjunction('or', [A, conjunction('or', [B, C])]), result: A }], B)
    const flat = caseOf([{ when: conjunction('or', [A, B, C]), result: A }], B)
    expect(inParsedForm(shown(inside))).toBe(shown(flat))
  })

  it('is grouped by everything once', () => {
    const grouped = (...groups: Json[]): string =>
      statement(select({ items: [named(COLUMN, 'o0')], from: tableRef('t0'), groups }))
    expect(inParsedForm(grouped(COLUMN, A, COLUMN, B, A))).toBe(grouped(COLUMN, A, B))
    expect(inParsedForm(grouped(COLUMN, A))).toBe(grouped(COLUMN, A))
    expect(inParsedForm(grouped())).toBe(grouped())
  })

  it('has a function between TRY and a COALESCE that makes its result, and between no others', () => {
    const tried = (node: Json): Json => operator('OPERATOR_TRY', [node])
    const apart = (node: Json): Json => call('list_extract', [tried(call('list_value', [node])), position(0)])
    const coalesce = operator('OPERATOR_COALESCE', [COLUMN, COLUMN])
    const deep = caseOf([{ when: A, result: COLUMN }], caseOf([{ when: B, result: coalesce }], COLUMN))
    for (const node of [coalesce, deep]) expect(inParsedForm(shown(tried(node)))).toBe(shown(apart(node)))
    for (const node of [call('abs', [coalesce]), caseOf([{ when: tried(A), result: COLUMN }], COLUMN)])
      expect(inParsedForm(shown(tried(node)))).toBe(shown(tried(node)))
  })

  it('stays as it is', () => {
    const once = inParsedForm(
      shown(conjunction('and', [conjunction('and', [A, constant('boolean', true)]), B])),
    )
    expect(inParsedForm(once)).toBe(once)
  })
})
