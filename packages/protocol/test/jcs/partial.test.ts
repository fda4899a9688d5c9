import { expect, it } from 'vitest'
import { boolean, integer, partial } from '@sotto/protocol/jcs'

const decode = partial<{ a?: boolean; b?: number }>({ a: boolean(), b: integer(0, 9) })

it('reads any of its members and gives back those that are there', () => {
  expect(decode({}, 'policy')).toEqual({})
  expect(decode({ b: 3 }, 'policy')).toEqual({ b: 3 })
  expect(decode({ a: true, b: 3 }, 'policy')).toEqual({ a: true, b: 3 })
})

it.each([
  [{ c: 1 }, 'policy.c'],
  [{ a: undefined }, 'policy.a'],
  [{ a: 'true' }, 'policy.a'],
  [{ b: 10 }, 'policy.b'],
  [[], 'policy'],
  [null, 'policy'],
  ['{}', 'policy'],
])('refuses %j by name', (value, path) => {
  expect(() => decode(value, 'policy')).toThrow(
    expect.objectContaining({ code: 'JCS_FIELD', message: expect.stringContaining(path) }),
  )
})
