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
