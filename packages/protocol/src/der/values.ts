import { malformed } from './errors.ts'

/** Longest OBJECT IDENTIFIER content; those in use have up to 20 bytes. */
const MAX_OID_BYTES = 64

/** BOOLEAN content (X.690 Section 11.1). */
export function decodeBoolean(content: Uint8Array): boolean {
  const value = content[0]
  if (content.length !== 1 || (value !== 0x00 && value !== 0xff))
    throw malformed('BOOLEAN is neither 00 nor FF')
  return value === 0xff
}

/** INTEGER content of 0 or more (X.690 Section 8.3), without its leading zero; empty for 0. */
export function decodeUnsigned(content: Uint8Array): Uint8Array {
  if (content.length === 0) throw malformed('INTEGER is empty')
  const first = content[0]!
  if (first >= 0x80) throw malformed('INTEGER is negative')
  if (first !== 0) return content
  if (content.length > 1 && content[1]! < 0x80) throw malformed('INTEGER is not minimal')
  return content.subarray(1)
}

/** INTEGER or ENUMERATED content of 0 to `max`. */
export function decodeSmallInteger(content: Uint8Array, max: number): number {
  const bytes = decodeUnsigned(content)
  let value = 0
  if (bytes.length > 4) throw malformed('INTEGER is too large', `at most ${max}`, `${bytes.length} bytes`)
  for (const byte of bytes) value = value * 256 + byte
  if (value > max) throw malformed('INTEGER is too large', `at most ${max}`, `${value}`)
  return value
}

/** BIT STRING content (X.690 Sections 8.6 and 11.2): unused bits are zero. */
export function decodeBitString(content: Uint8Array): { unusedBits: number; bytes: Uint8Array } {
  const unusedBits = content[0]
  if (unusedBits === undefined || unusedBits > 7) throw malformed('BIT STRING has no number of unused bits')
  const last = content.length > 1 ? content[content.length - 1]! : 0
  if (content.length === 1 && unusedBits !== 0) throw malformed('BIT STRING is empty and has unused bits')
  if ((last & ((1 << unusedBits) - 1)) !== 0) throw malformed('BIT STRING has unused bits that are set')
  return { unusedBits, bytes: content.subarray(1) }
}

/**
 * BIT STRING of named bits, at most 31: bit `i` of the standard is `1 << i`. X.690 Section 11.2.2 leaves
 * trailing zero bits out; AMD's certificates write them, so that they pass.
 */
export function decodeNamedBits(content: Uint8Array): number {
  const { unusedBits, bytes } = decodeBitString(content)
  const count = bytes.length * 8 - unusedBits
  if (count > 31) throw malformed('BIT STRING has too many named bits', 'at most 31', `${count}`)
  let value = 0
  for (let bit = 0; bit < count; bit++) if ((bytes[bit >> 3]! >> (7 - (bit & 7))) & 1) value |= 1 << bit
  return value
}

/** OBJECT IDENTIFIER content (X.690 Section 8.19) in dotted decimals. */
export function decodeOid(content: Uint8Array): string {
  if (content.length === 0 || content.length > MAX_OID_BYTES || content[content.length - 1]! >= 0x80)
    throw malformed('OBJECT IDENTIFIER is empty, cut off or too long')
  let text = ''
  let arc = 0
  let isStart = true
  for (let i = 0; i < content.length; i++) {
    const byte = content[i]!
    if (isStart && byte === 0x80) throw malformed('OBJECT IDENTIFIER is not minimal')
    arc = arc * 128 + (byte & 0x7f)
    if (arc > Number.MAX_SAFE_INTEGER) throw malformed('OBJECT IDENTIFIER has an arc that is too large')
    isStart = byte < 0x80
    if (!isStart) continue
    if (text === '') {
      const top = arc < 80 ? Math.floor(arc / 40) : 2
      text = `${top}.${arc - 40 * top}`
    } else text += `.${arc}`
    arc = 0
  }
  return text
}
