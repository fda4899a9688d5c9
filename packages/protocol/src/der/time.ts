import { malformed } from './errors.ts'
import { TAG, type DerReader } from './reader.ts'

const [ZERO, Z] = [0x30, 0x5a]

/**
 * `Time` of a certificate or a CRL (RFC 5280 Section 4.1.2.5) in Unix seconds: UTCTime through 2049 or
 * GeneralizedTime, in UTC, with seconds and without fractions. RFC 5280 wants GeneralizedTime from 2050 on
 * only; certificates of Azure Attestation and of NVIDIA's reference values have it for earlier dates.
 *
 * @throws `X509_MALFORMED`
 */
export function readTime(reader: DerReader): number {
  if (reader.nextTag === TAG.UTC_TIME) {
    const content = reader.take(TAG.UTC_TIME)
    const year = digits(content, 0, 2)
    return seconds(content, 2, year < 50 ? 2000 + year : 1900 + year)
  }
  return readGeneralizedTime(reader)
}

/** GeneralizedTime as in RFC 5280 Section 4.1.2.5.2 (all times of RFC 6960), in Unix seconds. @throws `X509_MALFORMED` */
export function readGeneralizedTime(reader: DerReader): number {
  const content = reader.take(TAG.GENERALIZED_TIME)
  const year = digits(content, 0, 4)
  // Date.UTC would take the years 0 to 99 for 1900 to 1999.
  if (year < 1950) throw malformed('date is before 1950', 'YYYYMMDDHHMMSSZ', `the year ${year}`)
  return seconds(content, 4, year)
}

/** `MMDDHHMMSSZ` from `offset` to the end. */
function seconds(content: Uint8Array, offset: number, year: number): number {
  if (content.length !== offset + 11 || content[offset + 10] !== Z)
    throw malformed('date has another form', 'UTC with seconds, without fractions')
  const month = digits(content, offset, 2)
  const day = digits(content, offset + 2, 2)
  const hour = digits(content, offset + 4, 2)
  const minute = digits(content, offset + 6, 2)
  const second = digits(content, offset + 8, 2)
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second))
  // A day that the month does not have ends up in another month.
  if (date.getUTCMonth() !== month - 1 || hour > 23 || minute > 59 || second > 59)
    throw malformed('date does not exist')
  return date.getTime() / 1000
}

function digits(content: Uint8Array, offset: number, count: number): number {
  let value = 0
  for (let i = offset; i < offset + count; i++) {
    const digit = (content[i] ?? 0) - ZERO
    if (digit < 0 || digit > 9) throw malformed('date has something other than digits')
    value = value * 10 + digit
  }
  return value
}
