import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import {
  base64url,
  canonicalJson,
  hex,
  integer,
  list,
  literal,
  object,
  oneOf,
  parseCanonicalJson,
  text,
} from '@sotto/protocol/jcs'

const malformed = expect.objectContaining({ code: 'JCS_MALFORMED' })

describe('canonical JSON', () => {
  it('sorts names by UTF-16 code units as RFC 8785 Section 3.2.3 shows', () => {
    const value = {
      '€': 'Euro Sign',
      '\r': 'Carriage Return',
      '\u{fb33}': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '😀': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      ö: 'Latin Small Letter O With Diaeresis',
    }
    const names = Object.values(JSON.parse(fromUtf8(canonicalJson(value))) as object)
    expect(names).toEqual(
      [
        'One',
        'Carriage Return',
        'Control',
        'Latin Small Letter O With Diaeresis',
        'Euro Sign',
        'Emoji: Grinning Face',
        'Hebrew Letter Dalet With Dagesh',
      ].sort((a, b) => names.indexOf(a) - names.indexOf(b)),
    )
    expect(fromUtf8(canonicalJson(value)).indexOf('Carriage')).toBeLessThan(
      fromUtf8(canonicalJson(value)).indexOf('"One"'),
    )
  })

  it('returns what it wrote', () => {
    const value = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.string({ unit: 'grapheme' }),
        fc.maxSafeInteger().map((n) => n + 0),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }),
      ),
    })).value
    fc.assert(
      fc.property(value, (json) => {
        const bytes = canonicalJson(json)
        expect(canonicalJson(parseCanonicalJson(bytes))).toEqual(bytes)
      }),
      { numRuns: process.env['SLOW'] ? 500 : 50 },
    )
  })

  it.each([
    ['a fraction', 1.5],
    ['minus zero', -0],
    ['a large number', 2 ** 53],
    ['not a number', Number.NaN],
    ['a function', () => 1],
    ['a big integer', 1n],
    ['a lone surrogate', '\ud800'],
  ])('refuses to write %s', (_what, value) => {
    expect(() => canonicalJson({ value })).toThrow(expect.objectContaining({ code: 'JCS_UNSUPPORTED' }))
  })

  it.each([
    ['white space', '{"a": 1}'],
    ['a trailing newline', '{"a":1}\n'],
    ['unsorted names', '{"b":1,"a":2}'],
    ['a duplicate name', '{"a":1,"a":1}'],
    ['an escaped plain character', '"\\u0061"'],
    ['a fraction', '1.0'],
    ['an exponent', '1e3'],
    ['minus zero', '-0'],
    ['a number past 2^53', '9007199254740993'],
    ['two documents', '1 2'],
    ['a byte order mark', '\ufeff1'],
    ['nothing', ''],
    ['depth without end', '['.repeat(100_000)],
  ])('refuses to read %s', (_what, json) => {
    expect(() => parseCanonicalJson(utf8(json), { maxBytes: 200_000 })).toThrow(malformed)
  })

  it('refuses a document past its bound and bytes that are not UTF-8', () => {
    expect(() => parseCanonicalJson(utf8('"aaaa"'), { maxBytes: 5 })).toThrow(malformed)
    expect(() => parseCanonicalJson(Uint8Array.of(0x22, 0xff, 0x22))).toThrow(
      expect.objectContaining({ code: 'BYTES_ENCODING' }),
    )
  })
})

describe('strict decoders', () => {
  const decode = object({
    kind: literal('x'),
    size: integer(0, 9),
    name: text(4),
    id: hex(2),
    key: base64url(3),
    list: list(oneOf('a', 'b'), 1, 2),
  })
  const good = { kind: 'x', size: 1, name: 'n', id: '00ff', key: 'AAAA', list: ['a'] }

  it('accept exactly the shape', () => {
    expect(decode(good, 'doc')).toEqual(good)
  })

  it.each([
    ['an unknown member', { ...good, extra: 1 }, 'doc.extra'],
    ['a missing member', { ...good, size: undefined }, 'doc.size'],
    [
      'a prototype member',
      JSON.parse(
        '{"kind":"x","size":1,"name":"n","id":"00ff","key":"AAAA","list":["a"],"__proto__":1}',
      ) as object,
      'doc.__proto__',
    ],
    ['a number out of bounds', { ...good, size: 10 }, 'doc.size'],
    ['upper-case hexadecimal', { ...good, id: '00FF' }, 'doc.id'],
    ['padded base64url', { ...good, key: 'AAA=' }, 'doc.key'],
    ['a long list', { ...good, list: ['a', 'b', 'a'] }, 'doc.list'],
    ['a wrong item', { ...good, list: ['c'] }, 'doc.list[0]'],
    ['a list for an object', [], 'doc'],
  ])('refuse %s by its path', (_what, value, path) => {
    expect(() => decode(value, 'doc')).toThrow(
      expect.objectContaining({ code: 'JCS_FIELD', message: `${path} is malformed` }),
    )
  })
})
