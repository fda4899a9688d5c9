import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { DerReader, readGeneralizedTime, readTime, TAG } from '@sotto/protocol/der'
import { derWriter } from '@sotto/testkit/x509'

const malformed = expect.objectContaining({ code: 'X509_MALFORMED' })
const utc = (text: string): DerReader => new DerReader(derWriter.der(TAG.UTC_TIME, utf8(text)))
const generalized = (text: string): DerReader =>
  new DerReader(derWriter.der(TAG.GENERALIZED_TIME, utf8(text)))
const seconds = (text: string): number => Date.parse(text) / 1000

describe('dates', () => {
  it.each([
    ['UTCTime of this century', utc('260101120000Z'), '2026-01-01T12:00:00Z'],
    ['UTCTime of its last year', utc('491231235959Z'), '2049-12-31T23:59:59Z'],
    ['UTCTime of the last century', utc('500101000000Z'), '1950-01-01T00:00:00Z'],
    ['UTCTime of a leap day', utc('240229000000Z'), '2024-02-29T00:00:00Z'],
    ['GeneralizedTime', generalized('99991231235959Z'), '9999-12-31T23:59:59Z'],
    [
      'GeneralizedTime before 2050, as Azure and NVIDIA write it',
      generalized('20230316153734Z'),
      '2023-03-16T15:37:34Z',
    ],
  ])('%s', (_, reader, expected) => {
    expect(readTime(reader)).toBe(seconds(expected))
  })

  it('return what was written', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: seconds('1950-01-01T00:00:00Z'), max: seconds('9999-12-31T23:59:59Z') }),
        (at) => {
          expect(readTime(new DerReader(derWriter.time(at)))).toBe(at)
          expect(readGeneralizedTime(new DerReader(derWriter.generalizedTime(at)))).toBe(at)
        },
      ),
    )
  })

  it.each<[string, DerReader]>([
    ['no seconds', utc('2601011200Z')],
    ['no zone', utc('260101120000')],
    ['another zone', utc('260101120000+0100')],
    ['a lower-case zone', utc('260101120000z')],
    ['a space for a digit', utc('26010112000 Z')],
    ['a sign for a digit', utc('26010112-100Z')],
    ['the 30th of February', utc('260230000000Z')],
    ['the 29th of February in another year', utc('230229000000Z')],
    ['month 0', utc('260001000000Z')],
    ['month 13', utc('261301000000Z')],
    ['day 0', utc('260100000000Z')],
    ['hour 24', utc('260101240000Z')],
    ['minute 60', utc('260101006000Z')],
    ['a leap second', utc('261231235960Z')],
    ['second 60 in between', utc('260115101060Z')],
    ['nothing', utc('')],
    ['fractions', generalized('20260101120000.5Z')],
    ['GeneralizedTime without seconds', generalized('202601011200Z')],
    ['the year 99', generalized('00990101000000Z')],
    ['another type', new DerReader(derWriter.octets(utf8('260101120000Z')))],
  ])('refuse %s', (_, reader) => {
    expect(() => readTime(reader)).toThrow(malformed)
  })

  it('of OCSP are GeneralizedTime only', () => {
    expect(() => readGeneralizedTime(utc('260101120000Z'))).toThrow(malformed)
  })
})
