import { describe, expect, it } from 'vitest'
import { COLUMN_NAME, CONTRACT_NAME } from '@sotto/protocol/contract'

describe('a name in a contract', () => {
  it.each(['a', 'bank', 'bank-2', 'a'.repeat(32), 'constructors'])('may be %s', (name) => {
    expect(CONTRACT_NAME.test(name)).toBe(true)
  })

  it.each([
    ['nothing', ''],
    ['a capital letter', 'Bank'],
    ['a digit first', '2bank'],
    ['a dash first', '-bank'],
    ['33 characters', 'a'.repeat(33)],
    ['a space', 'a b'],
    ['an underscore', 'a_b'],
    ['a line feed at the end', 'bank\n'],
    ['a zero-width space', 'ba\u200bnk'],
    ['a Cyrillic letter that looks alike', 'b\u0430nk'],
    ['an accent', 'bänk'],
    ['a direction mark', 'bank\u202e'],
    ['a member of every object', 'constructor'],
    ['the prototype', '__proto__'],
  ])('has not %s', (_, name) => {
    expect(CONTRACT_NAME.test(name)).toBe(false)
  })

  it('is no member of any object', () => {
    for (const member of Object.getOwnPropertyNames(Object.prototype))
      expect(CONTRACT_NAME.test(member), member).toBe(false)
  })
})

describe('a name of a column', () => {
  it.each(['a', '_a', 'IBAN', 'constructor', '__proto', 'a'.repeat(63)])('may be %s', (name) => {
    expect(COLUMN_NAME.test(name)).toBe(true)
  })

  it.each([
    ['nothing', ''],
    ['a digit first', '2a'],
    ['a dash', 'a-b'],
    ['a quote', 'a"b'],
    ['64 characters', 'a'.repeat(64)],
    ['a line feed at the end', 'a\n'],
    ['a zero-width joiner', 'a\u200db'],
    ['a letter that folds to another', 'K\u0130'],
    ['the prototype of an object', '__proto__'],
  ])('has not %s', (_, name) => {
    expect(COLUMN_NAME.test(name)).toBe(false)
  })
})
