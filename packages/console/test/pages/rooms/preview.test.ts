import { concat, utf8 } from '@sotto/protocol/bytes'
import { describe, expect, it } from 'vitest'
import { MAX_SHOWN_ROWS, previewOf } from '../../../src/pages/rooms/preview.ts'

const HEADER = '{"columns":[{"name":"region","type":"text"},{"name":"n","type":"integer"}]}\n'
const of = (text: string) => previewOf(utf8(text))

describe('what is shown of an output', () => {
  it('is a table where every line is a row of its columns', () => {
    expect(of(`${HEADER}["north",12]\n[null,0.5]\n`)).toEqual({
      kind: 'table',
      columns: [
        { name: 'region', type: 'text' },
        { name: 'n', type: 'integer' },
      ],
      rows: [
        ['north', '12'],
        ['', '0.5'],
      ],
      total: 2,
    })
    expect(of(HEADER)).toMatchObject({ kind: 'table', rows: [], total: 0 })
  })

  it('is the beginning of a long table, with the number of all its rows', () => {
    const preview = of(HEADER + '["x",1]\n'.repeat(200_000))
    expect(preview).toMatchObject({ kind: 'table', total: 200_000 })
    expect(preview.kind === 'table' && preview.rows.length).toBe(MAX_SHOWN_ROWS)
  })

  it('is a list where every line is about an item', () => {
    expect(of('{"item":1,"text":"One."}\n{"item":2,"text":"Two."}\n')).toEqual({
      kind: 'items',
      items: [
        { item: '1', text: 'One.' },
        { item: '2', text: 'Two.' },
      ],
      total: 2,
    })
    expect(of('{"item":1,"label":"good","score":0.5}')).toMatchObject({
      items: [{ item: '1', text: '{"label":"good","score":0.5}' }],
    })
  })

  it.each([
    ['a row with another number of cells', `${HEADER}["north"]\n`],
    ['a row that is no list', `${HEADER}{"region":"north"}\n`],
    ['a row that is no JSON', `${HEADER}north\n`],
    ['a header without columns', '{"columns":[]}\n'],
    ['a column without a type', '{"columns":[{"name":"n"}]}\n[1]\n'],
    ['a column that is none', '{"columns":[null]}\n[1]\n'],
    [
      'more columns than a result has',
      `{"columns":${JSON.stringify(Array.from({ length: 257 }, () => ({ name: 'n', type: 'text' })))}}\n`,
    ],
    ['an item without a number', '{"item":"1","text":"One."}\n'],
    ['an item about which nothing is said', '{"item":1}\n'],
    ['an item after which something else comes', '{"item":1,"text":"One."}\n[2]\n'],
    ['deeply nested JSON', '['.repeat(100_000)],
    ['nothing', ''],
  ])('is the text itself of %s', (_, text) => {
    expect(of(text)).toMatchObject({ kind: 'text' })
  })

  it.each([
    ['bytes that are no UTF-8', Uint8Array.of(0xff, 0xfe, 0x41)],
    ['text that ends within a letter', concat(utf8('a'), Uint8Array.of(0xe2, 0x82))],
    ['a NUL', utf8('a\0b')],
  ])('is nothing of %s', (_, content) => {
    expect(previewOf(content)).toEqual({ kind: 'binary' })
  })

  it('is cut where it is long, also within a letter of several bytes', () => {
    const preview = of(`a${'€'.repeat(500_000)}`)
    expect(preview).toMatchObject({ kind: 'text', isCut: true })
    expect(preview.kind === 'text' && preview.text.length).toBe(20_000)
    const cell = of(`${HEADER}["${'x'.repeat(501)}",1]\n`)
    expect(cell.kind === 'table' && cell.rows[0]![0]!.length).toBe(500)
  })

  it('has nothing in it that hides, or turns around what stands beside it', () => {
    expect(of('pay \u202Eevil\u202C\u0007')).toMatchObject({ text: 'pay \uFFFDevil\uFFFD\uFFFD' })
    expect(of(`${HEADER}["a\\u2066b",1]\n`)).toMatchObject({ rows: [['a\uFFFDb', '1']] })
    expect(of('one\r\ntwo\tthree')).toMatchObject({ text: 'one\ntwo\tthree' })
  })
})
