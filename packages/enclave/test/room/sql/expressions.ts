import fc from 'fast-check'
import {
  call,
  caseOf,
  cast,
  columnRef,
  compare,
  conjunction,
  constant,
  type Json,
  operator,
  position,
} from '../../../src/room/sql/nodes.ts'
import { COMPARISONS } from '../../../src/room/sql/syntax.ts'

/** Expressions of each type over columns `c0` to `c4` of `r0`: a whole number, a number, a text, a day and a truth. */
type Typed = Record<'whole' | 'number' | 'text' | 'day' | 'boolean', Json>

const typed = fc.letrec<Typed>((tie) => {
  const pair = (name: keyof Typed): fc.Arbitrary<[Json, Json]> => fc.tuple(tie(name), tie(name))
  const either = (name: keyof Typed): fc.Arbitrary<Json> =>
    fc.oneof(
      pair(name).map((items) => operator('OPERATOR_COALESCE', items)),
      fc
        .tuple(tie('boolean'), tie(name), tie(name))
        .map(([when, result, otherwise]) => caseOf([{ when, result }], otherwise)),
    )
  const sum = (name: keyof Typed): fc.Arbitrary<Json> =>
    fc.tuple(fc.constantFrom('+', '-', '*'), pair(name)).map(([sign, items]) => call(sign, items))
  const comparison = (name: keyof Typed): fc.Arbitrary<Json> =>
    fc
      .tuple(fc.constantFrom(...COMPARISONS), pair(name))
      .map(([sign, [left, right]]) => compare(sign, left, right))
  const listed = (name: keyof Typed): fc.Arbitrary<Json> =>
    fc
      .tuple(
        fc.constantFrom('COMPARE_IN', 'COMPARE_NOT_IN'),
        fc.array(tie(name), { minLength: 2, maxLength: 4 }),
      )
      .map(([sign, items]) => operator(sign, items))
  return {
    whole: fc.oneof(
      { maxDepth: 3 },
      fc.constant(columnRef('r0', 'c0')),
      fc.maxSafeInteger().map((value) => constant('integer', value)),
      fc.constant(constant('null', null)),
      sum('whole'),
      fc.tuple(fc.constantFrom('//', '%'), pair('whole')).map(([sign, items]) => call(sign, items)),
      tie('whole').map((item) => call('-', [item])),
      tie('whole').map((item) => call('abs', [item])),
      tie('number').map((item) => cast(item, 'integer')),
      tie('day').map((item) => call('date_part', [constant('text', 'dayofyear'), item])),
      either('whole'),
    ),
    number: fc.oneof(
      { maxDepth: 3 },
      fc.constant(columnRef('r0', 'c1')),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => constant('number', value)),
      sum('number'),
      pair('whole').map((items) => call('/', items)),
      fc
        .tuple(tie('number'), fc.integer({ min: -15, max: 15 }))
        .map(([item, places]) => call('round', [item, position(places - 1)])),
      either('number'),
    ),
    text: fc.oneof(
      { maxDepth: 3 },
      fc.constant(columnRef('r0', 'c2')),
      fc.string({ unit: 'grapheme' }).map((value) => constant('text', value)),
      fc
        .tuple(fc.constantFrom('lower', 'upper', 'trim', 'ltrim', 'rtrim'), tie('text'))
        .map(([name, item]) => call(name, [item])),
      either('text'),
    ),
    day: fc.oneof(
      { maxDepth: 3 },
      fc.constant(columnRef('r0', 'c3')),
      fc.constantFrom('2026-02-28', '1970-01-01', '2026-02-30').map((value) => constant('date', value)),
      tie('day').map((item) => cast(call('date_trunc', [constant('text', 'month'), item]), 'date')),
      either('day'),
    ),
    boolean: fc.oneof(
      { maxDepth: 3 },
      fc.constant(columnRef('r0', 'c4')),
      fc.boolean().map((value) => constant('boolean', value)),
      ...(['whole', 'number', 'text', 'day', 'boolean'] as const).flatMap((name) => [
        comparison(name),
        listed(name),
      ]),
      fc.tuple(fc.constantFrom('~~', '!~~'), pair('text')).map(([name, items]) => call(name, items)),
      fc
        .tuple(fc.constantFrom('and', 'or'), fc.array(tie('boolean'), { minLength: 2, maxLength: 3 }))
        .map(([kind, items]) => conjunction(kind as 'and' | 'or', items)),
      tie('boolean')
        .filter(isKeptByNot)
        .map((item) => operator('OPERATOR_NOT', [item])),
      fc
        .tuple(fc.constantFrom('OPERATOR_IS_NULL', 'OPERATOR_IS_NOT_NULL'), tie('text'))
        .map(([kind, item]) => operator(kind, [item])),
    ),
  }
})

/** DuckDB's parser makes one comparison of NOT and a comparison, so that no template has NOT of one. */
function isKeptByNot(item: Json): boolean {
  return !/^COMPARE_(?!NOT_IN$)/.test((item as { type: string }).type)
}

/** Expressions as rooms put them together, of a truth and of any type. */
export const expressions: { boolean: fc.Arbitrary<Json>; any: fc.Arbitrary<Json> } = {
  boolean: typed.boolean,
  any: fc.oneof(typed.whole, typed.number, typed.text, typed.day, typed.boolean),
}
