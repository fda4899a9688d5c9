import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { member, parseClaims, verifyTimes } from '@sotto/protocol/jose'

const RUNS = process.env['SLOW'] ? 1000 : 100
const code = (name: string): unknown => expect.objectContaining({ code: name })
const malformed = code('JOSE_MALFORMED')
const claims = (json: string): ReturnType<typeof parseClaims> => parseClaims(utf8(json))

describe('a claims set', () => {
  it('is read as JSON.parse reads it, in any spelling', () => {
    const value = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 }))
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 2, '\t'), (json, space) => {
        const text = JSON.stringify(json, null, space)
        expect(claims(text)).toEqual(JSON.parse(text))
      }),
      { numRuns: RUNS },
    )
    expect(claims('{"a":1.0,"b":"\\/\\u0026","c":-0,"d":1e2}')).toEqual({ a: 1, b: '/&', c: -0, d: 100 })
  })

  it('may have a name once in each of several objects', () => {
    expect(claims('{"a":{"a":[{"a":1},{"a":2}]},"b":["a","a",","]}')).toHaveProperty('a')
  })

  it.each([
    ['a name twice', '{"a":1,"a":1}'],
    ['a name twice after a list', '{"a":[1,2],"b":3,"a":1}'],
    ['a name twice, deep inside', '{"x":[{"a":{},"b":1,"a":2}]}'],
    ['a name twice, once escaped', '{"a\\"":1,"a\\u0022":2}'],
    ['the empty name twice', '{"":1,"":2}'],
    ['__proto__ twice', '{"__proto__":1,"__proto__":2}'],
    ['text', '"a"'],
    ['a list', '[{}]'],
    ['null', 'null'],
    ['nothing', ''],
    ['half of it', '{"a":'],
    ['an open text', '{"a'],
    ['an open escape', '{"a\\'],
    ['two values', '{}{}'],
    ['brackets that close too often', '{}]'],
    ['a comma too many', '{"a":1,}'],
    ['depth without end', `{"a":${'['.repeat(50_000)}`],
  ])('is malformed with %s', (_what, json) => {
    expect(() => claims(json)).toThrow(malformed)
  })

  it('has only the members that were written', () => {
    const own = claims('{"__proto__":{"aud":"me"}}')
    expect(member(own, 'aud')).toBeUndefined()
    expect(member(own, 'toString')).toBeUndefined()
    expect(member(own, '__proto__')).toEqual({ aud: 'me' })
  })
})

describe('the times of a token', () => {
  const token = claims('{"nbf":1000,"iat":1000,"exp":2000}')

  it('hold from its beginning until before its end', () => {
    expect(verifyTimes(token, 1000)).toEqual({ exp: 2000, nbf: 1000, iat: 1000 })
    expect(verifyTimes(token, 1999)).toHaveProperty('exp', 2000)
    for (const at of [999, 2000, 2001, Number.NaN])
      expect(() => verifyTimes(token, at), `${at}`).toThrow(code('JOSE_TIME'))
  })

  it('hold for clocks that are apart as far as the caller allows', () => {
    expect(() => verifyTimes(token, 990, { clockSkewSeconds: 10 })).not.toThrow()
    expect(() => verifyTimes(token, 2009, { clockSkewSeconds: 10 })).not.toThrow()
    expect(() => verifyTimes(token, 989, { clockSkewSeconds: 10 })).toThrow(code('JOSE_TIME'))
    expect(() => verifyTimes(token, 2010, { clockSkewSeconds: 10 })).toThrow(code('JOSE_TIME'))
  })

  it('do not begin before the token was issued', () => {
    expect(() => verifyTimes(claims('{"iat":1500,"exp":2000}'), 1499)).toThrow(code('JOSE_TIME'))
    expect(() => verifyTimes(claims('{"nbf":1500,"iat":1000,"exp":2000}'), 1499)).toThrow(code('JOSE_TIME'))
  })

  it.each([
    ['no end', '{"iat":1}'],
    ['an end in text', '{"exp":"2000"}'],
    ['an end that is no whole second', '{"exp":2000.5}'],
    ['an end before 1970', '{"exp":-1}'],
    ['an end past all dates', '{"exp":1e300}'],
    ['an end in milliseconds', '{"exp":1654066076000}'],
    ['a beginning in text', '{"exp":2000,"nbf":"1"}'],
    ['a beginning of null', '{"exp":2000,"iat":null}'],
  ])('are malformed with %s', (_what, json) => {
    expect(() => verifyTimes(claims(json), 1)).toThrow(malformed)
  })
})
