import { type Decoder, jcsError } from '@sotto/protocol/jcs'
import { bytesOf, GIB, MIB } from '../../deploy/file/values.ts'

const UNITS = { KB: 1e3, MB: 1e6, GB: 1e9, KiB: 2 ** 10, MiB: MIB, GiB: GIB }
const MICROS = 1_000_000
const DECIMAL = /^(0|[1-9]\d{0,3})(?:\.(\d{1,6}))?$/

/** Bytes as people write them: `64KiB`, `1MiB`, or a number. */
export function bytes(min: number, max: number): Decoder<number> {
  return (value, path) => {
    const amount = bytesOf(value, UNITS)
    if (amount !== undefined && amount >= min && amount <= max) return amount
    throw jcsError('JCS_FIELD', `${path}: expected a size such as 64KiB or 1MiB`, `${min} to ${max} bytes`)
  }
}

/**
 * Epsilon in whole millionths, exactly: what a binary fraction makes of 0.1 is no part of a contract.
 * @param max in millionths
 */
export function epsilon(max: number): Decoder<number> {
  return (value, path) => {
    // Of a number, the shortest text that stands for it is what was written.
    const text = typeof value === 'number' ? String(value) : value
    const [, whole, places = ''] = (typeof text === 'string' && DECIMAL.exec(text)) || []
    const micros = whole === undefined ? 0 : Number(whole) * MICROS + Number(places.padEnd(6, '0'))
    if (micros >= 1 && micros <= max) return micros
    throw jcsError(
      'JCS_FIELD',
      `${path}: expected a decimal number of at most six places`,
      `0.000001 to ${max / MICROS}`,
    )
  }
}

const NUMBER = /^(-?)(\d{1,16})(?:\.(\d{1,15}))?(?:e-(\d{1,2}))?$/

/**
 * A decimal number in whole units of 10^-`places`, exactly; undefined for what has more places, or is none. A number counts
 * as the shortest text that stands for it, which is what was written.
 */
export function inUnits(value: unknown, places: number): number | undefined {
  const written = typeof value === 'number' ? String(value) : value
  const found = typeof written === 'string' ? NUMBER.exec(written) : null
  if (found === null) return undefined
  const [, sign, whole = '', fraction = '', exponent = '0'] = found
  const shift = places - fraction.length - Number(exponent)
  const digits = BigInt(whole + fraction)
  const unit = 10n ** BigInt(Math.abs(shift))
  if (shift < 0 && digits % unit !== 0n) return undefined
  const units = Number(shift < 0 ? digits / unit : digits * unit)
  if (!Number.isSafeInteger(units)) return undefined
  return sign === '-' && units !== 0 ? -units : units
}

/**
 * A decimal number, in whole units of 10^-`places`.
 * @param min in units, as is `max`
 */
export function decimal(places: number, min: number, max: number): Decoder<number> {
  return (value, path) => {
    const units = inUnits(value, places)
    if (units !== undefined && units >= min && units <= max) return units
    throw jcsError(
      'JCS_FIELD',
      `${path}: expected a decimal number of at most ${places} places`,
      `${min / 10 ** places} to ${max / 10 ** places}`,
    )
  }
}

/**
 * One of several kinds, by its name alone or as `{name: {...}}`.
 * @param kinds decoders of what stands under each name; a name alone is one of nothing
 */
export function kindOf<T>(kinds: Readonly<Record<string, Decoder<T>>>): Decoder<T> {
  return (value, path) => {
    const given = typeof value === 'string' ? { [value]: {} } : value
    const [kind, ...more] = typeof given === 'object' && given !== null ? Object.keys(given) : []
    if (kind !== undefined && more.length === 0 && Object.hasOwn(kinds, kind))
      return kinds[kind]!((given as Record<string, unknown>)[kind] ?? {}, `${path}.${kind}`)
    throw jcsError('JCS_FIELD', `${path}: expected one kind`, Object.keys(kinds).join(' or '))
  }
}
