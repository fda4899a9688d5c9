import { describe, expect, it } from 'vitest'
import {
  Chance,
  type DataSpec,
  encodePart,
  readFor,
  requireLearnable,
  splitTable,
} from '../../src/train/index.ts'
import { fillRows, type Part } from '../../src/train/data/part.ts'
import type { TableSource } from '../../src/train/index.ts'
import { MADE_UP, madeUp } from './tables.ts'

const COLUMNS = [
  { name: 'age', type: 'integer' },
  { name: 'note', type: 'text' },
  { name: 'kind', type: 'text' },
  { name: 'bad', type: 'boolean' },
] as const
const SPEC: DataSpec = {
  features: [
    { column: 'age', kind: 'number', min: 0, max: 100, decimals: 0 },
    { column: 'kind', kind: 'category', values: ['a', 'b,c'] },
  ],
  label: { column: 'bad', kind: 'category', values: ['false', 'true'] },
  isPrivate: false,
}

function source(text: string, over: Partial<TableSource> = {}): TableSource {
  return { name: 'bank', media: 'csv', bytes: Buffer.from(text), columns: COLUMNS, ...over }
}

function read(text: string, over: Partial<TableSource> = {}, spec = SPEC): number[][] {
  return rowsOf(encodePart(readFor(source(text, over), spec), spec))
}

function rowsOf(part: Part): number[][] {
  return Array.from({ length: part.rows }, (_, row) => {
    const into = new Float32Array(part.width)
    fillRows(part, Uint32Array.of(row), into)
    return [...into, part.labels[row]!]
  })
}

const GOOD = 'age,note,kind,bad\n25,"a ""word"",\nand more","b,c",true\r\n200,,,false\n,x,zz,true'
const ROWS = [
  [-0.5, 0, 1, 0, 1],
  [1, 0, 0, 1, 0],
  [0, 0, 0, 1, 1],
]

describe('a table', () => {
  it('is read by the columns of the contract, in any order', () => {
    expect(read(GOOD)).toEqual(ROWS)
    expect(read('bad,kind,note,age\ntrue,"b,c",x,25\n')).toEqual([ROWS[0]])
  })

  it('is the same in JSON Lines', () => {
    const lines = [
      { age: 25, note: 'x', kind: 'b,c', bad: true },
      { age: 200, note: null, kind: null, bad: false },
      { age: null, note: 'x', kind: 'zz', bad: true },
    ]
    const text = lines.map((line) => JSON.stringify(line)).join('\n\n')
    expect(read(text, { media: 'jsonl' })).toEqual(ROWS)
  })

  it.each([
    [
      'a column that is missing',
      'age,note,bad\n1,x,true\n',
      'ROOM_TRAIN_COLUMN',
      'table bank lacks the column kind',
    ],
    [
      'a column too many',
      'age,note,kind,bad,x\n',
      'ROOM_TRAIN_COLUMN',
      'table bank has a column that is not in the contract',
    ],
    [
      'a column twice',
      'age,note,kind,bad,bad\n',
      'ROOM_TRAIN_COLUMN',
      'table bank has a column that is not in the contract',
    ],
    ['no header', '', 'ROOM_TRAIN_COLUMN', 'table bank has no line of column names'],
    [
      'a type that changed',
      'age,note,kind,bad\n1.5,x,a,true\n',
      'ROOM_TRAIN_TYPE',
      'table bank holds in column age what is no integer',
    ],
    [
      'words for numbers',
      'age,note,kind,bad\nold,x,a,true\n',
      'ROOM_TRAIN_TYPE',
      'table bank holds in column age what is no integer',
    ],
    [
      'another boolean',
      'age,note,kind,bad\n1,x,a,1\n',
      'ROOM_TRAIN_TYPE',
      'table bank holds in column bad what is no boolean',
    ],
    [
      'a label that is none',
      'age,note,kind,bad\n1,x,a,\n',
      'ROOM_TRAIN_TYPE',
      'table bank has in column bad a label that is not listed, or none',
    ],
    [
      'a line that is short',
      'age,note,kind,bad\n1,x,a\n',
      'ROOM_TRAIN_FORMAT',
      'table bank has a line of more or fewer cells than columns',
    ],
    ['an open quote', 'age,note,kind,bad\n1,"x,a,true\n', 'ROOM_TRAIN_FORMAT', 'table bank is no CSV'],
    ['a quote inside', 'age,note,kind,bad\n1,x"y",a,true\n', 'ROOM_TRAIN_FORMAT', 'table bank is no CSV'],
  ])('with %s is refused by name', (_, text, code, message) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code, message }))
  })

  it.each([
    ['a member that is missing', '{"age":1,"kind":"a","bad":true}', 'ROOM_TRAIN_COLUMN'],
    ['a type that changed', '{"age":"1","note":"x","kind":"a","bad":true}', 'ROOM_TRAIN_TYPE'],
    ['a line that is no JSON', '{"age":1', 'ROOM_TRAIN_FORMAT'],
    ['a line that is no object', '[1]', 'ROOM_TRAIN_FORMAT'],
  ])('of JSON Lines with %s is refused', (_, text, code) => {
    expect(() => read(text, { media: 'jsonl' })).toThrow(expect.objectContaining({ code }))
  })

  it('of bytes that are no UTF-8 is refused', () => {
    const bytes = Buffer.concat([
      Buffer.from('age,note,kind,bad\n1,x,'),
      Buffer.of(0xff),
      Buffer.from(',true\n'),
    ])
    expect(() => readFor(source('', { bytes }), SPEC)).toThrow(
      expect.objectContaining({ code: 'ROOM_TRAIN_FORMAT' }),
    )
  })

  it('is refused only for its schema where a guarantee is given: a bad cell is none, a row without a label no row', () => {
    const text = 'age,note,kind,bad\nold,x,a,true\n1,x,a,maybe\n50,x,a,false\n'
    expect(read(text, {}, { ...SPEC, isPrivate: true })).toEqual([
      [0, 1, 0, 0, 1],
      [0, 1, 0, 0, 0],
    ])
    expect(() => read('age,note,bad\n', {}, { ...SPEC, isPrivate: true })).toThrow(
      expect.objectContaining({ code: 'ROOM_TRAIN_COLUMN' }),
    )
  })

  it.each([
    [
      'text as a number',
      { features: [{ column: 'note', kind: 'number', min: 0, max: 1, decimals: 0 }] },
      'ROOM_TRAIN_TYPE',
    ],
    [
      'a column that the contract lacks',
      { features: [{ column: 'x', kind: 'category', values: ['a'] }] },
      'ROOM_TRAIN_COLUMN',
    ],
    [
      'no bounds',
      { features: [{ column: 'age', kind: 'number', min: 1, max: 1, decimals: 0 }] },
      'ROOM_TRAIN_SETTINGS',
    ],
    [
      'a value twice',
      { features: [{ column: 'kind', kind: 'category', values: ['a', 'a'] }] },
      'ROOM_TRAIN_SETTINGS',
    ],
    ['the label as a feature', { features: [SPEC.label] }, 'ROOM_TRAIN_SETTINGS'],
    ['no features', { features: [] }, 'ROOM_TRAIN_SETTINGS'],
  ] as [string, Partial<DataSpec>, string][])('is not read with %s', (_, over, code) => {
    expect(() => read(GOOD, {}, { ...SPEC, ...over })).toThrow(expect.objectContaining({ code }))
  })
})

describe('what can be learned from', () => {
  const part = (text: string): Part => encodePart(readFor(source(text), SPEC), SPEC)
  const one = part('age,note,kind,bad\n1,x,a,true\n2,x,a,true\n')

  it('has rows and two classes', () => {
    const empty = part('age,note,kind,bad\n')
    expect(() => requireLearnable([empty], SPEC)).toThrow(
      expect.objectContaining({ code: 'ROOM_TRAIN_EMPTY', message: 'table bank has no row to train on' }),
    )
    expect(() => requireLearnable([], SPEC)).toThrow(expect.objectContaining({ code: 'ROOM_TRAIN_EMPTY' }))
    expect(() => requireLearnable([one, one], SPEC)).toThrow(
      expect.objectContaining({
        code: 'ROOM_TRAIN_ONE_CLASS',
        message: 'all labels in column bad are of one class',
      }),
    )
    expect(() => requireLearnable([one, part('age,note,kind,bad\n1,x,a,false\n')], SPEC)).not.toThrow()
  })

  it('is not told where a guarantee is given', () => {
    expect(() => requireLearnable([one], { ...SPEC, isPrivate: true })).not.toThrow()
  })
})

describe('units and sides', () => {
  const table = readFor(madeUp('t', 400, 5, { contributor: 'who' }), MADE_UP)
  const chance = new Chance(new Uint8Array(32).fill(3))

  it('have all rows of a contributor', () => {
    const { units } = encodePart(table, MADE_UP)
    expect(units.count).toBe(100)
    expect([...units.rowsOf(7)]).toEqual([7, 107, 207, 307])
  })

  it('keep a contributor on one side, by chance of the run and of the input', () => {
    const { train, validation } = splitTable(table, 250_000_000, chance, 0)
    expect(train.length + validation.length).toBe(400)
    expect(validation.length).toBeGreaterThan(40)
    expect(validation.length).toBeLessThan(180)
    const owners = (rows: Uint32Array): Set<number> => new Set([...rows].map((row) => row % 100))
    expect([...owners(train)].filter((owner) => owners(validation).has(owner))).toEqual([])
    expect(splitTable(table, 250_000_000, chance, 0)).toEqual({ train, validation })
    expect(splitTable(table, 250_000_000, chance, 1)).not.toEqual({ train, validation })
    expect(encodePart(table, MADE_UP, train).units.count).toBe(owners(train).size)
  })

  it('refuse a row of no contributor, which with a guarantee is no row', () => {
    const text = 'age,note,kind,bad\n1,,a,true\n1,x,a,true\n'
    expect(() => read(text, { contributor: 'note' })).toThrow(
      expect.objectContaining({ code: 'ROOM_TRAIN_TYPE', message: 'table bank has a row of no contributor' }),
    )
    expect(read(text, { contributor: 'note' }, { ...SPEC, isPrivate: true })).toHaveLength(1)
  })
})
