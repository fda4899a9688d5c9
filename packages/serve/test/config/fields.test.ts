import { expect, test } from 'vitest'
import { boolean, httpUrl, oneOf, table, text } from '../../src/config/index.ts'

test.each([
  ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
  ['https://kms.example/', 'https://kms.example'],
  ['https://kms.example/base/', 'https://kms.example/base'],
])('takes the URL %s', (value, expected) => {
  expect(httpUrl(value, 'u')).toBe(expected)
})

test.each([
  'ftp://x',
  'file:///etc/passwd',
  'http://user:pw@host',
  'http://host/?q=1',
  'http://host/#f',
  'host',
  1,
  null,
])('refuses the URL %s', (value) => {
  expect(() => httpUrl(value, 'u')).toThrowError(expect.objectContaining({ code: 'CONFIG_INVALID' }))
})

test('a table has no prototype and only keys that match', () => {
  const decode = table(/^[a-z]+$/, text(), 1, 2)
  const result = decode({ a: 'x' }, 't')
  expect(Object.getPrototypeOf(result)).toBeNull()
  expect(result['toString']).toBeUndefined()
  for (const bad of [{}, { A: 'x' }, { a: 'x', b: 'x', c: 'x' }, { a: 1 }]) {
    expect(() => decode(bad, 't')).toThrowError(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  }
})

test('words and booleans are exact', () => {
  expect(oneOf('a', 'b')('b', 'p')).toBe('b')
  expect(boolean(false, 'p')).toBe(false)
  expect(() => oneOf('a')('constructor', 'p')).toThrowError(
    expect.objectContaining({ code: 'CONFIG_INVALID' }),
  )
  expect(() => boolean('false', 'p')).toThrowError(expect.objectContaining({ code: 'CONFIG_INVALID' }))
})
