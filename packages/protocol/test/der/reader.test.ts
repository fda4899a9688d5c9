import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat } from '@sotto/protocol/bytes'
import {
  constructed,
  decodeNamedBits,
  DerReader,
  MAX_DER_BYTES,
  MAX_DER_DEPTH,
  primitive,
  TAG,
} from '@sotto/protocol/der'
import { SottoError } from '@sotto/protocol/errors'
import { derWriter } from '@sotto/testkit/x509'

const RUNS = process.env['SLOW'] ? 2000 : 200
const malformed = expect.objectContaining({ code: 'X509_MALFORMED', action: 'fix-input' })
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
const reader = (...values: number[]): DerReader => new DerReader(bytes(...values))

describe('elements', () => {
  it('come out in order, as views, until the end', () => {
    const input = derWriter.sequence(derWriter.octets(bytes(1, 2)), derWriter.boolean(true))
    const outer = new DerReader(input)
    expect(outer.nextTag).toBe(TAG.SEQUENCE)
    const sequence = outer.enter(TAG.SEQUENCE)
    outer.end()
    expect(outer.atEnd).toBe(true)
    expect(outer.nextTag).toBe(-1)
    const content = sequence.octetString()
    expect(content).toEqual(bytes(1, 2))
    expect(content.buffer).toBe(input.buffer)
    expect(sequence.rest).toEqual(derWriter.boolean(true))
    expect(sequence.element()).toEqual(derWriter.boolean(true))
    sequence.end()
  })

  it('keep what comes after them to themselves', () => {
    const outer = new DerReader(concat(derWriter.sequence(derWriter.nothing()), derWriter.boolean(false)))
    const sequence = outer.enter(TAG.SEQUENCE)
    sequence.null()
    expect(() => sequence.element()).toThrow(malformed)
    expect(outer.boolean()).toBe(false)
  })

  it.each([0, 1, 127, 128, 255, 256, 65_535, 65_536, 70_000])('of %i bytes have one length', (length) => {
    const content = new Uint8Array(length).fill(7)
    expect(new DerReader(derWriter.octets(content)).octetString()).toEqual(content)
  })

  it('return what was written', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 700 }), fc.integer({ min: 0, max: 30 }), (content, number) => {
        const outer = new DerReader(derWriter.explicit(number, derWriter.octets(content)))
        const field = outer.enter(constructed(number))
        outer.end()
        expect(field.octetString()).toEqual(content)
        field.end()
      }),
      { numRuns: RUNS },
    )
  })
})

describe('anything but strict DER is refused', () => {
  it.each<[string, DerReader, number]>([
    ['nothing', reader(), TAG.NULL],
    ['a tag alone', reader(5), TAG.NULL],
    ['another tag', reader(4, 0), TAG.NULL],
    ['a tag of several bytes', reader(0x1f, 0x81, 0x01, 0), 0x1f],
    ['an indefinite length', reader(0x30, 0x80, 0, 0), TAG.SEQUENCE],
    ['a reserved length', reader(4, 0xff, 0), TAG.OCTET_STRING],
    ['a length that is cut off', reader(4, 0x82, 1), TAG.OCTET_STRING],
    ['a long form for a short length', reader(4, 0x81, 0x7f, ...new Uint8Array(127)), TAG.OCTET_STRING],
    [
      'two length bytes where one will do',
      reader(4, 0x82, 0, 0x80, ...new Uint8Array(128)),
      TAG.OCTET_STRING,
    ],
    [
      'three length bytes where two will do',
      reader(4, 0x83, 0, 1, 0, ...new Uint8Array(256)),
      TAG.OCTET_STRING,
    ],
    ['a length of 4 GiB', reader(4, 0x84, 0xff, 0xff, 0xff, 0xff), TAG.OCTET_STRING],
    ['a length past the end', reader(4, 2, 1), TAG.OCTET_STRING],
    ['a huge length past the end', reader(4, 0x83, 0xff, 0xff, 0xff, 1), TAG.OCTET_STRING],
  ])('%s', (_, input, tag) => {
    expect(() => input.take(tag)).toThrow(malformed)
  })

  it('bytes after the last element', () => {
    const input = reader(5, 0, 0)
    input.null()
    expect(() => input.end()).toThrow(malformed)
  })

  it('an element that ends after the one that holds it', () => {
    const outer = reader(0x30, 3, 4, 2, 1, 9)
    const sequence = outer.enter(TAG.SEQUENCE)
    expect(() => sequence.octetString()).toThrow(malformed)
  })

  it('input past its bound', () => {
    expect(() => new DerReader(new Uint8Array(MAX_DER_BYTES + 1))).toThrow(malformed)
    expect(() => new DerReader(new Uint8Array(5), 4)).toThrow(malformed)
  })

  it('nesting past its bound', () => {
    let nested = derWriter.nothing()
    for (let i = 0; i < MAX_DER_DEPTH + 1; i++) nested = derWriter.sequence(nested)
    let at = new DerReader(nested)
    for (let i = 0; i < MAX_DER_DEPTH; i++) at = at.enter(TAG.SEQUENCE)
    expect(() => at.enter(TAG.SEQUENCE)).toThrow(malformed)
  })

  it('and random bytes throw nothing but that', () => {
    const methods = ['unsigned', 'oid', 'boolean', 'octetString', 'bitString', 'null', 'element'] as const
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(...methods), (input, method) => {
        try {
          new DerReader(input)[method]()
        } catch (error) {
          expect(error).toBeInstanceOf(SottoError)
        }
      }),
      { numRuns: RUNS * 5 },
    )
  })
})

describe('values', () => {
  it.each<[string, Uint8Array, Uint8Array]>([
    ['0', bytes(2, 1, 0), bytes()],
    ['127', bytes(2, 1, 127), bytes(127)],
    ['128', bytes(2, 2, 0, 128), bytes(128)],
    ['256', bytes(2, 2, 1, 0), bytes(1, 0)],
  ])('INTEGER %s', (_, input, value) => {
    expect(new DerReader(input).unsigned()).toEqual(value)
    expect(derWriter.integer(value)).toEqual(input)
  })

  it.each<[string, number[]]>([
    ['an empty INTEGER', [2, 0]],
    ['a negative INTEGER', [2, 1, 0x80]],
    ['a large negative INTEGER', [2, 3, 0xff, 0, 0]],
    ['a leading zero too many', [2, 2, 0, 0x7f]],
    ['two leading zeros', [2, 3, 0, 0, 0x80]],
    ['zero in two bytes', [2, 2, 0, 0]],
  ])('refuses %s', (_, input) => {
    expect(() => reader(...input).unsigned()).toThrow(malformed)
    expect(() => reader(...input).smallInteger()).toThrow(malformed)
  })

  it('bounds small integers', () => {
    expect(reader(2, 4, 0x7f, 0xff, 0xff, 0xff).smallInteger()).toBe(0x7fff_ffff)
    expect(reader(0x0a, 1, 6).smallInteger(10, TAG.ENUMERATED)).toBe(6)
    expect(() => reader(2, 1, 11).smallInteger(10)).toThrow(malformed)
    expect(() => reader(2, 5, 0, 0x80, 0, 0, 0).smallInteger()).toThrow(malformed)
    expect(() => reader(2, 9, 1, ...new Uint8Array(8)).smallInteger()).toThrow(malformed)
  })

  it.each<[string, number[]]>([
    ['2.5.29.19', [6, 3, 0x55, 0x1d, 0x13]],
    ['1.2.840.113549.1.1.10', [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0a]],
    ['0.39', [6, 1, 39]],
    ['1.0', [6, 1, 40]],
    ['2.0', [6, 1, 80]],
    ['2.999.3', [6, 3, 0x88, 0x37, 3]],
  ])('OBJECT IDENTIFIER %s', (dotted, input) => {
    expect(reader(...input).oid()).toBe(dotted)
    expect(derWriter.oid(dotted)).toEqual(bytes(...input))
  })

  it.each<[string, number[]]>([
    ['an empty OBJECT IDENTIFIER', [6, 0]],
    ['one that is cut off', [6, 2, 0x2a, 0x86]],
    ['one whose arc starts with zero bits', [6, 3, 0x2a, 0x80, 1]],
    ['one with an arc of 70 bits', [6, 11, 0x2a, ...new Uint8Array(9).fill(0xff), 1]],
    ['one of 65 bytes', [6, 65, ...new Uint8Array(65).fill(1)]],
  ])('refuses %s', (_, input) => {
    expect(() => reader(...input).oid()).toThrow(malformed)
  })

  it.each<[string, number[]]>([
    ['BOOLEAN 01', [1, 1, 1]],
    ['an empty BOOLEAN', [1, 0]],
    ['a BOOLEAN of two bytes', [1, 2, 0, 0]],
  ])('refuses %s', (_, input) => {
    expect(() => reader(...input).boolean()).toThrow(malformed)
  })

  it.each<[string, number[]]>([
    ['an empty BIT STRING', [3, 0]],
    ['8 unused bits', [3, 2, 8, 0]],
    ['unused bits without bytes', [3, 1, 1]],
    ['unused bits that are set', [3, 2, 1, 1]],
    ['unused bits where bytes are wanted', [3, 2, 1, 2]],
  ])('refuses %s', (_, input) => {
    expect(() => reader(...input).bitString()).toThrow(malformed)
  })

  it('refuses NULL with content', () => {
    expect(() => reader(5, 1, 0).null()).toThrow(malformed)
  })

  it('numbers named bits from the first', () => {
    expect(decodeNamedBits(bytes(7, 0x80))).toBe(1)
    expect(decodeNamedBits(bytes(1, 0x06))).toBe((1 << 5) | (1 << 6))
    expect(decodeNamedBits(bytes(7, 0, 0x80))).toBe(1 << 8)
    expect(decodeNamedBits(bytes(0))).toBe(0)
    // Not DER, but AMD's certificates have it.
    expect(decodeNamedBits(bytes(0, 0x06))).toBe((1 << 5) | (1 << 6))
    expect(() => decodeNamedBits(bytes(0, 1, 1, 1, 1))).toThrow(malformed)
    expect(() => decodeNamedBits(bytes(1, 0x81))).toThrow(malformed)
    for (const value of [0, 1, 5, 96, 256])
      expect(decodeNamedBits(new DerReader(derWriter.namedBits(value)).take(TAG.BIT_STRING))).toBe(value)
  })

  it('names the tags of fields', () => {
    expect(constructed(3)).toBe(0xa3)
    expect(primitive(0)).toBe(0x80)
  })
})
