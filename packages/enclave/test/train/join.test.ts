import type { Column } from '@sotto/protocol/contract'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  Chance,
  type DataSpec,
  encodePart,
  type JoinTable,
  type Part,
  readJoined,
  splitTable,
} from '../../src/train/index.ts'
import { fillRows } from '../../src/train/data/part.ts'
import { csv } from './tables.ts'

const chance = new Chance(new Uint8Array(32).fill(6))
const SPEC: DataSpec = {
  features: [
    { column: 'age', kind: 'number', min: 0, max: 100, decimals: 0 },
    { column: 'kind', kind: 'category', values: ['a', 'b'] },
  ],
  label: { column: 'bad', kind: 'category', values: ['false', 'true'] },
  isPrivate: false,
}
const PRIVATE = { ...SPEC, isPrivate: true }

type Line = readonly (string | number)[]

function people(rows: readonly Line[], over: Partial<JoinTable['source']> = {}): JoinTable {
  const columns: Column[] = [
    { name: 'id', type: 'text' },
    { name: 'born', type: 'integer' },
    { name: 'age', type: 'integer' },
    { name: 'firm', type: 'text' },
  ]
  return { source: { ...csv('people', columns, rows), ...over }, keys: ['id', 'born'] }
}

function loans(rows: readonly Line[], over: Partial<JoinTable['source']> = {}): JoinTable {
  const columns: Column[] = [
    { name: 'bad', type: 'boolean' },
    { name: 'year', type: 'integer' },
    { name: 'customer', type: 'text' },
    { name: 'kind', type: 'text' },
  ]
  return { source: { ...csv('loans', columns, rows), ...over }, keys: ['customer', 'year'] }
}

function join(tables: readonly JoinTable[], spec = SPEC, of = chance): Part {
  return encodePart(readJoined(tables, spec, of), spec)
}

/** Each row as numbers, with its label last. */
function rowsOf(part: Part): string[] {
  return Array.from({ length: part.rows }, (_, row) => {
    const into = new Float32Array(part.width)
    fillRows(part, Uint32Array.of(row), into)
    return [...into, part.labels[row]].join()
  })
}

const PEOPLE: Line[] = [
  ['ann', 1970, 54, 'x'],
  ['bob', 1980, 44, 'x'],
  ['bob', 1981, 43, 'y'],
  ['', 1990, 34, 'y'],
]
const LOANS: Line[] = [
  ['true', 1981, 'bob', 'b'],
  ['false', 1970, 'ann', 'a'],
  ['true', 1970, 'cid', 'a'],
  ['true', 1990, '', 'a'],
]

describe('a join', () => {
  it('has a row for each key of all tables, and none for those without a key', () => {
    const part = join([people(PEOPLE), loans(LOANS)])
    expect(part.name).toBe('people and loans')
    expect(rowsOf(part).toSorted()).toEqual(
      [
        [Math.fround(0.08), 1, 0, 0, 0],
        [Math.fround(-0.14), 0, 1, 0, 1],
      ]
        .map((row) => row.join())
        .toSorted(),
    )
  })

  it('of any tables is what a naive one is, in an order that no table has a say in', () => {
    const id = fc.constantFrom('', 'a', 'b', '1:a', 'c,d', 'é')
    const year = fc.oneof(fc.constant(''), fc.integer({ min: 1, max: 4 }))
    const one = fc.array(fc.record({ id, year, age: fc.integer({ min: 0, max: 100 }) }), { maxLength: 25 })
    const two = fc.array(fc.record({ id, year, bad: fc.boolean(), kind: fc.constantFrom('a', 'b', '') }), {
      maxLength: 25,
    })
    const quoted = (text: string): string => `"${text}"`
    fc.assert(
      fc.property(one, two, fc.boolean(), (left, right, isTurned) => {
        const keyOf = (row: { id: string; year: string | number }): string =>
          JSON.stringify([row.id, row.year])
        const isOnce = <Row extends { id: string; year: string | number }>(rows: readonly Row[], row: Row) =>
          row.id !== '' && row.year !== '' && rows.filter((other) => keyOf(other) === keyOf(row)).length === 1
        const naive = left.flatMap((a) =>
          right.flatMap((b) => {
            if (keyOf(a) !== keyOf(b) || !isOnce(left, a) || !isOnce(right, b)) return []
            const kind = b.kind === '' ? 2 : Number(b.kind === 'b')
            const places = [0, 1, 2].map((place) => Number(place === kind))
            return [[Math.fround(a.age / 50 - 1), ...places, Number(b.bad)].join()]
          }),
        )
        const tables = (a: typeof left, b: typeof right): JoinTable[] => [
          people(a.map((row) => [quoted(row.id), row.year, row.age, 'x'])),
          loans(b.map((row) => [String(row.bad), row.year, quoted(row.id), row.kind])),
        ]
        const found = rowsOf(join(tables(left, right), PRIVATE))
        expect(found.toSorted()).toEqual(naive.toSorted())
        const turned = tables(left.toReversed(), right.toReversed())
        expect(rowsOf(join(isTurned ? turned : tables(left, right), PRIVATE))).toEqual(found)
      }),
    )
  })

  it('has another order under another secret, and not that of the keys', () => {
    const ids = Array.from({ length: 40 }, (_, at) => at)
    const tables = [
      people(ids.map((at) => [`p${at}`, 1, at, 'x'])),
      loans(ids.map((at) => ['true', 1, `p${at}`, 'a'])),
    ]
    const one = rowsOf(join(tables))
    const other = rowsOf(join(tables, SPEC, new Chance(new Uint8Array(32).fill(7))))
    expect(other).not.toEqual(one)
    expect(other.toSorted()).toEqual(one.toSorted())
    expect(one).not.toEqual(one.toSorted())
  })

  it('of tables without a common key has no row', () => {
    expect(join([people(PEOPLE), loans([['true', 1, 'zoe', 'a']])]).rows).toBe(0)
  })

  it('is of three tables, too, each with columns of its own', () => {
    const columns: Column[] = [
      { name: 'nr', type: 'text' },
      { name: 'y', type: 'integer' },
      { name: 'sum', type: 'number' },
    ]
    const third = { source: csv('sums', columns, [['bob', 1981, 2.5]]), keys: ['nr', 'y'] }
    const sum = { column: 'sum', kind: 'number', min: 0, max: 100, decimals: 1 } as const
    const spec = { ...SPEC, features: [...SPEC.features, sum] }
    expect(rowsOf(join([people(PEOPLE), loans(LOANS), third], spec))).toEqual([
      [Math.fround(-0.14), 0, 1, 0, -0.5, 1].join(),
    ])
  })

  it('refuses a key that a table has twice by the name of the table, without the key', () => {
    const twice = [...LOANS, ['false', 1981, 'bob', 'a']]
    expect(() => join([people(PEOPLE), loans(twice)])).toThrow(
      expect.objectContaining({ code: 'ROOM_TRAIN_KEY', message: 'table loans has two rows of one key' }),
    )
  })

  it('takes a key that is there twice for none where a guarantee is given', () => {
    const twice = [...LOANS, ['false', 1981, 'bob', 'a'], ['false', 1981, 'bob', 'a']]
    expect(join([people(PEOPLE), loans(twice)], PRIVATE).rows).toBe(1)
  })

  it('with a guarantee is too large by what each table has, and not by how many keys are common', () => {
    const most = (rows: readonly Line[], spec: DataSpec): (() => unknown) => {
      const others = loans([...rows, ['true', 1, 'eve', 'a']])
      return () => readJoined([people(PEOPLE), others], spec, chance, 3 * 3)
    }
    const none: Line[] = ['u', 'v', 'w'].map((id) => ['true', 1, id, 'a'])
    const refused = expect.objectContaining({ code: 'ROOM_TRAIN_TOO_LARGE' })
    for (const rows of [LOANS, none]) expect(most(rows, PRIVATE)).toThrow(refused)
    expect(most(none.slice(1), PRIVATE)).not.toThrow()
    // Who says everything may say how large the whole is.
    expect(most(none, SPEC)).not.toThrow()
  })

  it('has one row more or one less for one row more in one table', () => {
    const line = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 0, max: 9 }))
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), line, (lines, more) => {
        const of = (rows: readonly (readonly [string, number])[]): Set<string> => {
          const table = people(rows.map(([id, age]) => [id, 1, age, 'x']))
          const others = loans(['a', 'b', 'c'].map((id, at) => [String(at === 0), 1, id, 'a']))
          return new Set(rowsOf(join([table, others], PRIVATE)))
        }
        const [one, two] = [of(lines), of([...lines, more])]
        const onlyIn = (own: Set<string>, other: Set<string>): number =>
          [...own].filter((row) => !other.has(row)).length
        expect(onlyIn(one, two) + onlyIn(two, one)).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('keeps the contributors of one table together, where no guarantee is given', () => {
    const tables = [people(PEOPLE, { contributor: 'firm' }), loans([...LOANS, ['true', 1980, 'bob', 'a']])]
    const table = readJoined(tables, SPEC, chance)
    expect(encodePart(table, SPEC).units.count).toBe(2)
    const { train, validation } = splitTable(table, 500_000_000, chance, 0)
    expect(train.length + validation.length).toBe(3)
    expect(() => join(tables, PRIVATE)).toThrow(expect.objectContaining({ code: 'ROOM_TRAIN_PRIVACY' }))
  })

  it('has rows as units where the contributor is the key', () => {
    const one = { ...people(PEOPLE, { contributor: 'born' }), keys: ['born'] }
    const two = { ...loans(LOANS.slice(0, 2), { contributor: 'year' }), keys: ['year'] }
    const part = join([one, two], PRIVATE)
    expect([part.rows, part.units.count]).toEqual([2, 2])
  })
})

describe('a join is not made', () => {
  const [one, two] = [people(PEOPLE), loans(LOANS)]
  const feature = (column: string): DataSpec => ({
    ...SPEC,
    features: [{ column, kind: 'category', values: ['a'] }],
  })
  const more = csv(
    'more',
    [
      { name: 'nr', type: 'text' },
      { name: 'age', type: 'integer' },
    ],
    [],
  )
  it.each([
    ['of one table', [one], SPEC, 'ROOM_TRAIN_SETTINGS', 'a join is of 2 to 32 tables'],
    ['of a table with itself', [one, one], SPEC, 'ROOM_TRAIN_SETTINGS', 'a table is joined once'],
    [
      'without a key',
      [one, { ...two, keys: [] }],
      SPEC,
      'ROOM_TRAIN_SETTINGS',
      'table loans: a key has 1 to 8 columns',
    ],
    [
      'by a column that is not there',
      [one, { ...two, keys: ['customer', 'x'] }],
      SPEC,
      'ROOM_TRAIN_COLUMN',
      'table loans has no column x in the contract',
    ],
    [
      'by a boolean',
      [one, { ...two, keys: ['customer', 'bad'] }],
      SPEC,
      'ROOM_TRAIN_TYPE',
      'table loans has in column bad no key, but a boolean',
    ],
    [
      'by keys in another order',
      [one, { ...two, keys: ['year', 'customer'] }],
      SPEC,
      'ROOM_TRAIN_TYPE',
      'table loans has keys of other types',
    ],
    [
      'with a key as feature',
      [one, two],
      feature('year'),
      'ROOM_TRAIN_SETTINGS',
      'the key year is no feature',
    ],
    [
      'with a column that no table has',
      [one, two],
      feature('x'),
      'ROOM_TRAIN_COLUMN',
      'no table has the column x',
    ],
    [
      'with a column that two tables have',
      [
        { ...one, keys: ['id'] },
        { ...two, keys: ['customer'] },
        { source: more, keys: ['nr'] },
      ],
      feature('age'),
      'ROOM_TRAIN_COLUMN',
      'more than one table has the column age',
    ],
  ] as [string, JoinTable[], DataSpec, string, string][])('%s', (_, tables, spec, code, message) => {
    expect(() => join(tables, spec)).toThrow(expect.objectContaining({ code, message }))
  })

  it('where two tables say who contributed', () => {
    const tables = [people(PEOPLE, { contributor: 'firm' }), loans(LOANS, { contributor: 'kind' })]
    expect(() => join(tables)).toThrow(expect.objectContaining({ code: 'ROOM_TRAIN_SETTINGS' }))
  })
})
