import { ociError } from '../errors.ts'
import { fromLatin1 } from './latin1.ts'

/** A moment as tar knows it. */
export interface TarTime {
  /** Since the Unix epoch; negative before it. */
  seconds: bigint
  /** 0 to 999,999,999. */
  nanoseconds: number
}

/** Text of a field up to its first NUL, one character per byte. */
export function parseField(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  return fromLatin1(end < 0 ? bytes : bytes.subarray(0, end))
}

/**
 * A number of a header: octal, or base 256 where its first bit is set (GNU).
 * @throws `IMAGE_INVALID`
 */
export function parseNumeric(bytes: Uint8Array, what: string): bigint {
  const first = bytes[0] ?? 0
  if ((first & 0x80) === 0) return parseOctal(bytes, what)
  // Two's complement without its first bit, which only says that this is base 256.
  const isNegative = (first & 0x40) !== 0
  let value = 0n
  bytes.forEach((byte, index) => {
    const bits = (isNegative ? byte ^ 0xff : byte) & (index === 0 ? 0x7f : 0xff)
    value = (value << 8n) | BigInt(bits)
  })
  if (value >> 63n > 0n) throw invalid(what)
  return isNegative ? -value - 1n : value
}

/** @throws `IMAGE_INVALID` */
export function parseOctal(bytes: Uint8Array, what: string): bigint {
  const trimmed = parseField(trim(bytes))
  if (trimmed === '') return 0n
  if (!/^[0-7]{1,21}$/.test(trimmed)) throw invalid(what)
  return BigInt(`0o${trimmed}`)
}

/** A number that is no less than 0 and no more than `max`. @throws `IMAGE_INVALID` */
export function requireRange(value: bigint, max: number, what: string): number {
  if (value < 0n || value > BigInt(max)) throw invalid(what)
  return Number(value)
}

/** A decimal number of an extended header. @throws `IMAGE_INVALID` */
export function parseDecimal(text: string, what: string): bigint {
  if (!/^[+-]?[0-9]{1,19}$/.test(text)) throw invalid(what)
  const value = BigInt(text.replace(/^\+/, ''))
  if (BigInt.asIntN(64, value) !== value) throw invalid(what)
  return value
}

/** `%d.%d` of an extended header (POSIX pax, "mtime"); digits beyond nanoseconds count for nothing. @throws `IMAGE_INVALID` */
export function parsePaxTime(text: string, what: string): TarTime {
  const point = text.indexOf('.')
  const whole = point < 0 ? text : text.slice(0, point)
  const fraction = point < 0 ? '' : text.slice(point + 1)
  if (!/^[0-9]*$/.test(fraction)) throw invalid(what)
  const seconds = parseDecimal(whole, what)
  const nanoseconds = Number(fraction.slice(0, 9).padEnd(9, '0'))
  if (!whole.startsWith('-') || nanoseconds === 0) return { seconds, nanoseconds }
  return { seconds: seconds - 1n, nanoseconds: 1_000_000_000 - nanoseconds }
}

function trim(bytes: Uint8Array): Uint8Array {
  const isBlank = (byte: number | undefined): boolean => byte === 0 || byte === 0x20
  let [start, end] = [0, bytes.length]
  while (start < end && isBlank(bytes[start])) start++
  while (end > start && isBlank(bytes[end - 1])) end--
  return bytes.subarray(start, end)
}

function invalid(what: string): Error {
  return ociError('IMAGE_INVALID', `a layer has an entry whose ${what} is no number, or out of range`)
}
