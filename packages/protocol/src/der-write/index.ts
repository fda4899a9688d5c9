import { concat } from '../bytes/index.ts'
import { constructed, TAG } from '../der/index.ts'

/** One DER element: tag, minimal length, content of at most 2^24 - 1 bytes (X.690 Section 10.1). */
export function der(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const body = concat(...content)
  const { length } = body
  const header =
    length < 0x80
      ? [length]
      : length < 0x100
        ? [0x81, length]
        : length < 0x1_0000
          ? [0x82, length >> 8, length & 0xff]
          : [0x83, length >> 16, (length >> 8) & 0xff, length & 0xff]
  return concat(Uint8Array.of(tag, ...header), body)
}

/** SEQUENCE. */
export const sequence = (...content: readonly Uint8Array[]): Uint8Array => der(TAG.SEQUENCE, ...content)
/** `[number] EXPLICIT`. */
export const explicit = (number: number, ...content: readonly Uint8Array[]): Uint8Array =>
  der(constructed(number), ...content)
/** OCTET STRING. */
export const octets = (content: Uint8Array): Uint8Array => der(TAG.OCTET_STRING, content)
/** BIT STRING of whole bytes. */
export const bits = (content: Uint8Array): Uint8Array => der(TAG.BIT_STRING, Uint8Array.of(0), content)
/** BOOLEAN. */
export const boolean = (value: boolean): Uint8Array => der(TAG.BOOLEAN, Uint8Array.of(value ? 0xff : 0))
/** NULL. */
export const nothing = (): Uint8Array => der(TAG.NULL)

/** INTEGER of a big-endian number of 0 or more, with or without leading zeros. */
export function integer(bytes: Uint8Array): Uint8Array {
  let start = 0
  while (start < bytes.length && bytes[start] === 0) start++
  const minimal = bytes.subarray(start)
  const needsZero = minimal.length === 0 || minimal[0]! >= 0x80
  return der(TAG.INTEGER, needsZero ? concat(Uint8Array.of(0), minimal) : minimal)
}

/** OBJECT IDENTIFIER of dotted decimals. */
export function oid(dotted: string): Uint8Array {
  const [top = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const content = [40 * top + second, ...rest].flatMap((arc) => {
    const septets = [arc % 128]
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      septets.unshift(128 + (left % 128))
    return septets
  })
  return der(TAG.OID, Uint8Array.from(content))
}

/** BIT STRING of named bits, bit `i` being `1 << i`, without trailing zeros. */
export function namedBits(value: number): Uint8Array {
  const count = value === 0 ? 0 : 32 - Math.clz32(value)
  const bytes = new Uint8Array(Math.ceil(count / 8))
  for (let bit = 0; bit < count; bit++) if ((value >> bit) & 1) bytes[bit >> 3]! |= 0x80 >> (bit & 7)
  return der(TAG.BIT_STRING, Uint8Array.of(bytes.length * 8 - count), bytes)
}

/** Time of a certificate, Unix seconds: UTCTime through 2049, then GeneralizedTime (RFC 5280 Section 4.1.2.5). */
export function time(seconds: number): Uint8Array {
  const text = digits(seconds)
  return seconds < Date.UTC(2050, 0) / 1000
    ? der(TAG.UTC_TIME, new TextEncoder().encode(text.slice(2)))
    : generalizedTime(seconds)
}

/** GeneralizedTime, Unix seconds. */
export function generalizedTime(seconds: number): Uint8Array {
  return der(TAG.GENERALIZED_TIME, new TextEncoder().encode(digits(seconds)))
}

function digits(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/\.\d+/, '').replace(/[-:T]/g, '')
}

/** Name with one common name. */
export function name(commonName: string): Uint8Array {
  const value = der(TAG.UTF8_STRING, new TextEncoder().encode(commonName))
  return sequence(der(TAG.SET, sequence(oid('2.5.4.3'), value)))
}

/** ECDSA-Sig-Value of `r || s` (RFC 3279 Section 2.2.3). */
export function ecdsaDer(raw: Uint8Array): Uint8Array {
  const half = raw.length / 2
  return sequence(integer(raw.subarray(0, half)), integer(raw.subarray(half)))
}
