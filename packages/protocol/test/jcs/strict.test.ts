import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hex, label, list, object, oneOf, parseStrictJson, refine, text } from '@sotto/protocol/jcs'

const RUNS = process.env['SLOW'] ? 500 : 25

describe('JSON a person wrote', () => {
  it('is read with any white space and any order', () => {
    expect(parseStrictJson('{ "b" : [1,\n 2],\t"a": "x \\" y" }\r\n')).toEqual({ b: [1, 2], a: 'x " y' })
  })

  it('has names in any order, whatever order the engine keeps them in', () => {
    const text = '{"10": 1, "b": {"8": 1, "0": 2}, "9": 3, "__proto__": 4, "constructor": 5}'
    expect(parseStrictJson(text)).toEqual(JSON.parse(text))
  })

  it('is told by name and place, not by what a text says', () => {
    const text =
      '{"a": "a", "b": ["a", "a", {"a": "\\"a\\": 1, \\\\"}], "c": {"a": -1.5, "b": 1e+21, "c": "\\n"}}'
    expect(parseStrictJson(text)).toEqual(JSON.parse(text))
  })

  it.each([8])('may hold a text of %i MiB', (mib) => {
    const size = mib * 2 ** 20
    for (const long of ['A'.repeat(size), '\\\\'.repeat(size / 2), '\\"'.repeat(size / 2), 'é'.repeat(size)])
      expect((parseStrictJson(`{"a":"${long}"}`, { maxBytes: 2 ** 25 }) as { a: string }).a).toHaveLength(
        long.startsWith('\\') ? size / 2 : size,
      )
    const spaces = ' '.repeat(size)
    expect(parseStrictJson(`{${spaces}"a"${spaces}:1}`, { maxBytes: 2 ** 25 })).toEqual({ a: 1 })
    expect(() => parseStrictJson(`{"a":"${'A'.repeat(size)}`, { maxBytes: 2 ** 25 })).toThrow(
      expect.objectContaining({ code: 'JCS_MALFORMED' }),
    )
  })

  it('judges spelling as writing it again would', () => {
    const document = fc.json({ maxDepth: 3 })
    const noise = fc.constantFrom(
      '',
      '"',
      '\\',
      ' ',
      '0',
      '1',
      'e',
      '-',
      '.',
      ',',
      ':',
      '{',
      '}',
      '[',
      ']',
      '\\u0041',
    )
    fc.assert(
      fc.property(document, noise, fc.nat(), (json, extra, at) => {
        const text = json.slice(0, at % (json.length + 1)) + extra + json.slice(at % (json.length + 1))
        let expected: unknown = undefined
        try {
          const value: unknown = JSON.parse(text)
          // White space apart, and names that the engine sorts: told apart by their sorted characters.
          const sorted = (from: string): string => [...from.replaceAll(/\s/g, '')].sort().join('')
          if (sorted(JSON.stringify(value)) === sorted(text)) expected = value
        } catch {
          // No JSON.
        }
        let found: unknown = undefined
        try {
          found = parseStrictJson(text)
        } catch (error) {
          expect(error).toMatchObject({ code: 'JCS_MALFORMED' })
        }
        expect(found).toEqual(expected)
      }),
      { numRuns: RUNS * 8 },
    )
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

  it('is refused with a member twice, however it is laid out', () => {
    const value = fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), fc.jsonValue({ maxDepth: 2 }), {
      minKeys: 1,
    })
    const indent = fc.constantFrom(undefined, 1, 2, 4, '\t')
    fc.assert(
      fc.property(value, indent, (json, space) => {
        const text = JSON.stringify({ outer: json }, null, space)
        expect(parseStrictJson(text)).toEqual(JSON.parse(text))
        const name = JSON.stringify(Object.keys(json)[0])
        const twice = text.replace(`${name}:`, () => `${name}:0,${name}:`)
        expect(() => parseStrictJson(twice)).toThrow(expect.objectContaining({ code: 'JCS_MALFORMED' }))
      }),
      { numRuns: RUNS },
    )
  })

  it.each([
    ['a name twice', '{"a": 1, "a": 2}'],
    ['a name twice, in canonical form otherwise', '{"a":1,"a":1}'],
    ['a name twice, indented as it would be written', '{\n "x": {\n  "a": 1,\n  "a": 1\n }\n}'],
    ['minus zero, in canonical form otherwise', '{"a":-0}'],
    ['a name twice, once escaped', '{"a": 1, "\\u0061": 2}'],
    ['a name twice, deep inside', '{"x": [{"a": 1, "a": 1}]}'],
    ['a number in another spelling', '{"a": 1.0}'],
    ['a number with an exponent', '[1e2]'],
    ['a number past all bounds', '[1e400]'],
    ['minus zero', '[-0]'],
    ['a letter in an escape', '["\\u0041"]'],
    ['a slash in an escape', '["\\/"]'],
    ['a number for a name twice', '{"1": 1, "0": 2, "1": 3}'],
    ['__proto__ twice', '{"__proto__": 1, "__proto__": 1}'],
    ['a name twice around white space', '{"a" \n: 1, "a"\t: 2}'],
    ['a name twice in the second object of a list', '[{"a": 1}, {"b": 1, "a": [{"b": 1}], "b": 1}]'],
    ['a string without an end', '{"a": "\\"'],
    ['half a pair of surrogates', '["\ud800"]'],
    ['white space that JSON does not have', '{"a"\u00a0: 1}'],
    ['a byte order mark', '\ufeff{}'],
    ['two values', '{} {}'],
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
