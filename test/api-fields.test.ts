import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { fieldsPage, fieldTable } from '../scripts/api-fields.ts'

const page = readFileSync(new URL('../docs/api.md', import.meta.url), 'utf8')

it('the tables of docs/api.md are those of the schemas', () => {
  expect(fieldsPage(page)).toBe(page)
})

it('a field that changes state, or is forgotten, makes them differ', () => {
  expect(fieldsPage(page.replace(/\| `seed` \| works \|/, '| `seed` | no effect |'))).toBe(page)
  expect(() => fieldsPage(page.replace('<!-- fields of /v1/responses -->', ''))).toThrow('/v1/responses')
  expect(() =>
    fieldsPage(page.replace('<!-- fields of /v1/responses -->', '<!-- fields of /v1/x -->')),
  ).toThrow('/v1/x')
})

it('a table says what happens to each field, those of one fate together', () => {
  const table = fieldTable(
    new Map([
      ['a', { state: 'works', note: 'so' }],
      ['b', { state: 'refused', note: 'not here', allowed: [false, 'none'] }],
      ['c', { state: 'no effect', note: 'a label' }],
      ['d', { state: 'no effect', note: 'a label' }],
    ]),
  )
  expect(table.trim().split('\n').slice(2)).toEqual([
    '| `a` | works | so |',
    '| `b` | refused | not here (`false`, `"none"` pass) |',
    '| `c`, `d` | no effect | a label |',
  ])
})
