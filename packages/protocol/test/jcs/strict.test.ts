import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hex, label, list, object, oneOf, parseStrictJson, refine, text } from '@sotto/protocol/jcs'

const RUNS = process.env['SLOW'] ? 500 : 25

describe('JSON a person wrote', () => {
  it('is read with any white space and any order', () => {
    expect(parseStrictJson('{ "b" : [1,\n 2],\t"a": "x \\" y" }\r\n')).toEqual({ b: [1, 2], a: 'x " y' })
  })

  it('is read as JSON.parse reads it', () => {
    const value = fc.dictionary(
      fc.stringMatching(/^[a-z]{1,8}$/),
      fc.oneof(fc.string(), fc.integer(), fc.boolean()),
    )
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 2, '\t'), (json, space) => {
        expect(parseStrictJson(JSON.stringify(json, null, space))).toEqual(JSON.parse(JSON.stringify(json)))
      }),
      { numRuns: RUNS },
    )
  })

  it.each([
    ['a name twice', '{"a": 1, "a": 2}'],
    ['a name twice, once escaped', '{"a": 1, "\\u0061": 2}'],
    ['a name twice, deep inside', '{"x": [{"a": 1, "a": 1}]}'],
    ['a number in another spelling', '{"a": 1.0}'],
    ['minus zero', '[-0]'],
    ['a comment', '{"a": 1} // why'],
    ['depth without end', '['.repeat(40) + ']'.repeat(40)],
    ['nothing', ''],
  ])('is refused with %s', (_what, json) => {
    expect(() => parseStrictJson(json)).toThrow(expect.objectContaining({ code: 'JCS_MALFORMED' }))
  })

  it('is refused past its bound', () => {
    expect(() => parseStrictJson('"aaaa"', { maxBytes: 5 })).toThrow(
      expect.objectContaining({ code: 'JCS_MALFORMED' }),
    )
  })
})

describe('decoders', () => {
  const refusal = (run: () => unknown): unknown => {
    try {
      run()
    } catch (error) {
      return error
    }
    throw new Error('was accepted')
  }

  it('never repeat a value, which may be a misplaced secret', () => {
    const secret = 'hunter2 hunter2 hunter2 hunter2 hunter2'
    for (const decoder of [
      hex(4),
      text(3),
      list(hex(1), 0, 1),
      object<{ a: string }>({ a: hex(1) }),
      oneOf('a'),
    ]) {
      const error = refusal(() => decoder(secret, 'field')) as object
      expect(error).toHaveProperty('code', 'JCS_FIELD')
      expect(JSON.stringify({ ...error, message: (error as Error).message })).not.toContain('hunter2')
    }
  })

  it('show a short word where one of a list of words is expected', () => {
    expect(refusal(() => oneOf('software', 'snp')('softwear', 'family'))).toMatchObject({ found: 'softwear' })
  })

  it('accept labels that print as what they are', () => {
    expect(label(64)('Clinic Nº 4, “Zürich” 東京', 'name')).toBe('Clinic Nº 4, “Zürich” 東京')
    for (const bad of ['', 'a\nb', '\u001b[2J', 'a\u202eb', 'a\u0000', 'x'.repeat(65)]) {
      expect(refusal(() => label(64)(bad, 'name'))).toHaveProperty('code', 'JCS_FIELD')
    }
  })

  it('say which values do not go together', () => {
    const decoder = refine(list(hex(1), 0, 4), (values) => (values.length % 2 ? 'an odd number' : undefined))
    expect(decoder(['00', '01'], 'pairs')).toEqual(['00', '01'])
    expect(refusal(() => decoder(['00'], 'pairs'))).toMatchObject({
      code: 'JCS_FIELD',
      message: 'pairs contradicts itself: an odd number',
    })
  })
})
