import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat, fromHex, toHex } from '@sotto/protocol/bytes'
import { CborTag, type CborKey, type CborValue, decodeCbor, encodeCbor } from '@sotto/protocol/cbor'

const RUNS = process.env['SLOW'] ? 2000 : 200
const malformed = expect.objectContaining({ code: 'CBOR_MALFORMED', action: 'fix-input' })
const unsupported = expect.objectContaining({ code: 'CBOR_UNSUPPORTED', action: 'fix-input' })

/** Rows of RFC 8949 Appendix A whose kind is accepted here. */
const EXAMPLES: readonly [hex: string, value: CborValue][] = [
  ['00', 0],
  ['01', 1],
  ['0a', 10],
  ['17', 23],
  ['1818', 24],
  ['1819', 25],
  ['1864', 100],
  ['1903e8', 1000],
  ['1a000f4240', 1_000_000],
  ['1b000000e8d4a51000', 1_000_000_000_000],
  ['1bffffffffffffffff', 18446744073709551615n],
  ['3bffffffffffffffff', -18446744073709551616n],
  ['20', -1],
  ['29', -10],
  ['3863', -100],
  ['3903e7', -1000],
  ['f4', false],
  ['f5', true],
  ['f6', null],
  ['c11a514b67b0', new CborTag(1, 1363896240)],
  ['d74401020304', new CborTag(23, fromHex('01020304'))],
  ['40', new Uint8Array(0)],
  ['4401020304', fromHex('01020304')],
  ['60', ''],
  ['6161', 'a'],
  ['6449455446', 'IETF'],
  ['62225c', '"\\'],
  ['62c3bc', '\u00fc'],
  ['63e6b0b4', '\u6c34'],
  ['64f0908591', '\ud800\udd51'],
  ['80', []],
  ['83010203', [1, 2, 3]],
  ['8301820203820405', [1, [2, 3], [4, 5]]],
  ['a0', new Map()],
  [
    'a201020304',
    new Map([
      [1, 2],
      [3, 4],
    ]),
  ],
  [
    'a26161016162820203',
    new Map<CborKey, CborValue>([
      ['a', 1],
      ['b', [2, 3]],
    ]),
  ],
  ['826161a161626163', ['a', new Map([['b', 'c']])]],
  // The safe integers end here: one form each side.
  ['1b001fffffffffffff', 9007199254740991],
  ['1b0020000000000000', 9007199254740992n],
  ['3b001ffffffffffffe', -9007199254740991],
  ['3b001fffffffffffff', -9007199254740992n],
]

describe('CBOR', () => {
  it.each(EXAMPLES)('%s is one value, both ways', (hex, value) => {
    expect(decodeCbor(fromHex(hex))).toEqual(value)
    expect(toHex(encodeCbor(value))).toBe(hex)
  })

  it('is read as views of its input', () => {
    const bytes = fromHex('4401020304')
    expect((decodeCbor(bytes) as Uint8Array).buffer).toBe(bytes.buffer)
  })

  const key = fc.oneof(
    fc.maxSafeInteger().map((n) => n + 0),
    fc.string({ unit: 'grapheme' }),
  )
  const value = fc.letrec<{ value: CborValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.maxSafeInteger().map((n) => n + 0),
      fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ unit: 'grapheme' }),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 30 }),
      fc
        .uniqueArray(fc.tuple(key, tie('value')), { selector: ([name]) => name, maxLength: 5 })
        .map((entries) => new Map(entries)),
      fc.tuple(fc.nat(), tie('value')).map(([tag, tagged]) => new CborTag(tag, tagged)),
    ),
  })).value

  it('returns what it wrote', () => {
    fc.assert(
      fc.property(value, (item) => {
        expect(decodeCbor(encodeCbor(item))).toEqual(item)
      }),
      { numRuns: RUNS },
    )
  })

  it('has one spelling for each value: what is accepted is what would be written', () => {
    const heads = fc.constantFrom(
      0x18,
      0x19,
      0x1a,
      0x1b,
      0x38,
      0x58,
      0x78,
      0x81,
      0x98,
      0xa1,
      0xb8,
      0xc1,
      0xd8,
      0xf4,
    )
    const bytes = fc.array(fc.oneof(heads, fc.nat({ max: 3 }), fc.nat({ max: 255 })), { maxLength: 24 })
    let accepted = 0
    fc.assert(
      fc.property(bytes, (items) => {
        const input = Uint8Array.from(items)
        let item: CborValue
        try {
          item = decodeCbor(input)
        } catch (error) {
          expect(error).toHaveProperty('code', expect.stringMatching(/^CBOR_/))
          return
        }
        accepted++
        expect(toHex(encodeCbor(item))).toBe(toHex(input))
      }),
      { numRuns: RUNS * 10 },
    )
    expect(accepted).toBeGreaterThan(RUNS / 10)
  })

  it('refuses to write what it would not read', () => {
    expect(() => encodeCbor(1.5)).toThrow(unsupported)
    expect(() => encodeCbor(2n ** 64n)).toThrow(unsupported)
    expect(() => encodeCbor(-(2n ** 64n) - 1n)).toThrow(unsupported)
  })
})

describe('CBOR from anybody is malformed with', () => {
  it.each([
    ['nothing', ''],
    ['a number in two bytes that fits one', '1817'],
    ['a number in three bytes that fits two', '1900ff'],
    ['a number in five bytes that fits three', '1a0000ffff'],
    ['a number in nine bytes that fits five', '1b00000000ffffffff'],
    ['zero in nine bytes', '1b0000000000000000'],
    ['a negative number that is too long', '3800'],
    ['a length that is too long', '580100'],
    ['a text length that is too long', '780161'],
    ['an array length that is too long', '980100'],
    ['a map length that is too long', 'b8010000'],
    ['a tag that is too long', 'd80100'],
    ['an indefinite byte string', '5f4101ff'],
    ['an indefinite text', '7f6161ff'],
    ['an indefinite array', '9f01ff'],
    ['an indefinite map', 'bf0101ff'],
    ['an indefinite array inside', '829fff00'],
    ['a reserved initial byte', '1c'],
    ['another reserved initial byte', '5e'],
    ['a number that is cut off', '19ff'],
    ['a byte string that is cut off', '4201'],
    ['text that is cut off', '6261'],
    ['an array that is cut off', '8201'],
    ['a map without its last value', 'a101'],
    ['a tag of nothing', 'c1'],
    ['an array of 2^64 - 1 items', '9bffffffffffffffff'],
    ['a byte string of 2^32 - 1 bytes', '5affffffff00'],
    ['a trailing byte', '0000'],
    ['a trailing break', '00ff'],
    ['a name twice', 'a200010002'],
    ['a text name twice', 'a26161016161f6'],
    ['a name twice, deep inside', '81a101a200010002'],
    ['text that is not UTF-8', '61ff'],
    ['text with half a surrogate pair', '63eda080'],
    ['text with an overlong NUL', '62c080'],
  ])('%s', (_what, hex) => {
    expect(() => decodeCbor(fromHex(hex))).toThrow(malformed)
  })

  it('a map of a million entries in few bytes', () => {
    expect(() => decodeCbor(concat(fromHex('ba000f4240'), new Uint8Array(100)))).toThrow(malformed)
  })

  it.each([
    ['arrays', '81'],
    ['tags', 'c1'],
    ['maps', 'a100'],
  ])('nesting without end, of %s', (_what, head) => {
    const nested = (depth: number): Uint8Array => fromHex(`${head.repeat(depth)}f6`)
    expect(() => decodeCbor(nested(16))).not.toThrow()
    expect(() => decodeCbor(nested(17))).toThrow(malformed)
    expect(() => decodeCbor(nested(30_000))).toThrow(malformed)
    expect(() => decodeCbor(nested(3), { maxDepth: 2 })).toThrow(malformed)
  })

  it('more bytes than its bound', () => {
    expect(() => decodeCbor(encodeCbor(new Uint8Array(65_534)))).toThrow(malformed)
    expect(() => decodeCbor(encodeCbor(new Uint8Array(65_533)))).not.toThrow()
    expect(() => decodeCbor(fromHex('420000'), { maxBytes: 2 })).toThrow(malformed)
  })
})

describe('collections without a length', () => {
  const open = (hex: string): CborValue => decodeCbor(fromHex(hex), { indefiniteCollections: true })

  // Rows of RFC 8949 Appendix A.
  it.each<[string, CborValue]>([
    ['9fff', []],
    ['9f018202039f0405ffff', [1, [2, 3], [4, 5]]],
    ['83018202039f0405ff', [1, [2, 3], [4, 5]]],
    ['83019f0203ff820405', [1, [2, 3], [4, 5]]],
    [
      'bf61610161629f0203ffff',
      new Map<CborKey, CborValue>([
        ['a', 1],
        ['b', [2, 3]],
      ]),
    ],
    ['826161bf61626163ff', ['a', new Map([['b', 'c']])]],
    ['bfff', new Map()],
  ])('%s is read where the caller wants it, and nowhere else', (hex, value) => {
    expect(open(hex)).toEqual(value)
    expect(() => decodeCbor(fromHex(hex))).toThrow(malformed)
  })

  it.each([
    ['an end that does not come', '9f01'],
    ['an end that does not come, of a map', 'bf0101'],
    ['an end after a name', 'bf01ff'],
    ['two ends', '9fffff'],
    ['an end in a list of one', '81ff'],
    ['a name twice', 'bf01000100ff'],
    ['bytes in chunks', '5f4101ff'],
    ['text in chunks', '7f6161ff'],
    ['a name in chunks', 'bf7f6161ff01ff'],
    ['a tag without a number', 'df01'],
    ['a number without a value', '1f'],
  ])('are refused with %s', (_what, hex) => {
    expect(() => open(hex)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^CBOR_/) as string }),
    )
  })

  it('are bounded in depth', () => {
    expect(() => open('9f'.repeat(16) + 'ff'.repeat(16))).not.toThrow()
    expect(() => open('9f'.repeat(18) + 'ff'.repeat(18))).toThrow(malformed)
    expect(() => open('9f'.repeat(30_000))).toThrow(malformed)
  })
})

describe('CBOR is not supported with', () => {
  it.each([
    ['a half', 'f93c00'],
    ['a float', 'fa47c35000'],
    ['a double', 'fb3ff199999999999a'],
    ['undefined', 'f7'],
    ['a simple value', 'f0'],
    ['a simple value in two bytes', 'f8ff'],
    ['a break', 'ff'],
    ['a byte string as a name', 'a1410000'],
    ['an array as a name', 'a18000'],
    ['true as a name', 'a1f500'],
    ['a tagged name', 'a1c10000'],
  ])('%s', (_what, hex) => {
    expect(() => decodeCbor(fromHex(hex))).toThrow(unsupported)
  })
})
