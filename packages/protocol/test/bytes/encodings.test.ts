import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  fromBase64,
  fromBase64Url,
  fromHex,
  toBase64,
  toBase64Url,
  toHex,
  utf8,
} from '../../src/bytes/index.ts'

const RUNS = process.env['SLOW'] ? 500 : 25

test.each([
  ['', '', ''],
  ['f', 'Zg==', '66'],
  ['fo', 'Zm8=', '666f'],
  ['foo', 'Zm9v', '666f6f'],
  ['foob', 'Zm9vYg==', '666f6f62'],
  ['fooba', 'Zm9vYmE=', '666f6f6261'],
  ['foobar', 'Zm9vYmFy', '666f6f626172'],
])('RFC 4648 Section 10: %j', (text, base64, hex) => {
  expect([toBase64(utf8(text)), toHex(utf8(text))]).toEqual([base64, hex])
  expect(toBase64Url(utf8(text))).toBe(base64.replaceAll('=', ''))
})

test('bytes come back from every encoding, which is the one the platform has too', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const buffer = Buffer.from(bytes)
      expect([toBase64(bytes), toBase64Url(bytes), toHex(bytes)]).toEqual([
        buffer.toString('base64'),
        buffer.toString('base64url'),
        buffer.toString('hex'),
      ])
      expect(fromBase64(toBase64(bytes))).toEqual(bytes)
      expect(fromBase64Url(toBase64Url(bytes))).toEqual(bytes)
      expect(fromHex(toHex(bytes))).toEqual(bytes)
    }),
    { numRuns: RUNS },
  )
})

test('long bytes, and the two characters in which the alphabets differ', () => {
  const all = Uint8Array.from({ length: 256 * 3 }, (_, i) => (i * 89) & 0xff)
  expect(toBase64(all)).toBe(Buffer.from(all).toString('base64'))
  expect(toBase64Url(Uint8Array.of(0xfb, 0xff, 0xbf))).toBe('-_-_')
})

describe('one value has one spelling', () => {
  test.each(['Zg', 'Zg=', 'Zh==', 'Zg== ', 'Zm9=', 'Zm-v', '=', 'Zg===', 'Z\nm9v'])('base64 %j', (text) => {
    expect(() => fromBase64(text)).toThrow(expect.objectContaining({ code: 'BYTES_ENCODING' }))
  })
  test.each(['Zg==', 'Zh', 'Zm9', 'Zm+v', 'Zm/v', 'Z', ' Zg'])('base64url %j', (text) => {
    expect(() => fromBase64Url(text)).toThrow(expect.objectContaining({ code: 'BYTES_ENCODING' }))
  })
  test.each(['0', 'AB', '0x', 'zz', ' 00'])('hexadecimal %j', (text) => {
    expect(() => fromHex(text)).toThrow(expect.objectContaining({ code: 'BYTES_ENCODING' }))
  })
})
