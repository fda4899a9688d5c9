import { fromBase64Url, toBase64Url } from '../bytes/index.ts'
import { jcsError } from '../jcs/index.ts'

/** Bits as base64url, the first in the lowest bit of the first byte. */
export function encodeMask(bits: readonly boolean[]): string {
  const bytes = new Uint8Array(Math.ceil(bits.length / 8))
  bits.forEach((bit, index) => {
    if (bit) bytes[index >> 3]! |= 1 << (index & 7)
  })
  return toBase64Url(bytes)
}

/**
 * The bits of a mask over `count` entries.
 * @throws `JCS_FIELD` when it is of another length, or says something about entries nobody named
 */
export function decodeMask(mask: string, count: number): boolean[] {
  const bytes = fromBase64Url(mask)
  const bits = Array.from(
    { length: count },
    (_, index) => ((bytes[index >> 3] ?? 0) >> (index & 7)) % 2 === 1,
  )
  if (bytes.length === Math.ceil(count / 8) && encodeMask(bits) === mask) return bits
  throw jcsError('JCS_FIELD', 'spent is malformed', `a mask of ${count} bits`, `${bytes.length} bytes`)
}
