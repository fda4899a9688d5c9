import { SottoError } from '../errors/index.ts'

/** Codes of {@link SottoError} thrown by the byte helpers. */
export type BytesErrorCode = 'BYTES_ENCODING' | 'BYTES_TRUNCATED' | 'BYTES_TRAILING'

const utf8Encoder = new TextEncoder()
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** UTF-8 bytes of a string. Lone surrogates are refused, because they have no UTF-8 form. */
export function utf8(text: string): Uint8Array {
  if (!text.isWellFormed()) throw malformed('text has a lone surrogate')
  return utf8Encoder.encode(text)
}

/** Text of UTF-8 bytes; anything that is not well-formed UTF-8 is refused. */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return utf8Decoder.decode(bytes)
  } catch (cause) {
    throw malformed('bytes are not UTF-8', cause)
  }
}

/** One new array holding the parts in order. For small messages; bodies stay lists of buffers. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const out = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    out.set(part, offset)
    offset += part.length
  }
  return out
}

/** Compares without leaving early; the time depends on the lengths only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!
  return difference === 0
}

const HEX = /^(?:[0-9a-f]{2})*$/
const HEX_OF_BYTE = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let out = ''
  for (const byte of bytes) out += HEX_OF_BYTE[byte]!
  return out
}

/** Bytes of lower-case hexadecimal; any other character or an odd length is refused. */
export function fromHex(text: string): Uint8Array {
  if (!HEX.test(text)) throw malformed('text is not lower-case hexadecimal of even length')
  const out = new Uint8Array(text.length / 2)
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16)
  return out
}

const BASE64 = utf8Encoder.encode('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')
const BASE64URL = utf8Encoder.encode('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')
const PADDING = 0x3d

/** base64 with padding (RFC 4648 Section 4). */
export function toBase64(bytes: Uint8Array): string {
  const out = new Uint8Array(4 * Math.ceil(bytes.length / 3)).fill(PADDING)
  encodeSextets(bytes, BASE64, out)
  return utf8Decoder.decode(out)
}

/** base64url without padding (RFC 4648 Section 5): how every byte string is written in our JSON. */
export function toBase64Url(bytes: Uint8Array): string {
  const out = new Uint8Array(Math.ceil((bytes.length * 4) / 3))
  encodeSextets(bytes, BASE64URL, out)
  return utf8Decoder.decode(out)
}

/** By hand: `btoa` wants a string made byte by byte, which costs more than the signature it carries. */
function encodeSextets(bytes: Uint8Array, alphabet: Uint8Array, out: Uint8Array): void {
  let at = 0
  const whole = bytes.length - (bytes.length % 3)
  for (let i = 0; i < whole; i += 3) {
    const group = (bytes[i]! << 16) | (bytes[i + 1]! << 8) | bytes[i + 2]!
    out[at++] = alphabet[group >> 18]!
    out[at++] = alphabet[(group >> 12) & 63]!
    out[at++] = alphabet[(group >> 6) & 63]!
    out[at++] = alphabet[group & 63]!
  }
  if (whole === bytes.length) return
  const rest = (bytes[whole]! << 8) | (bytes[whole + 1] ?? 0)
  out[at++] = alphabet[rest >> 10]!
  out[at++] = alphabet[(rest >> 4) & 63]!
  if (bytes.length - whole === 2) out[at] = alphabet[(rest << 2) & 63]!
}

/** Bytes of padded base64. Only the one canonical spelling is accepted. */
export function fromBase64(text: string): Uint8Array {
  let binary: string
  try {
    binary = atob(text)
  } catch (cause) {
    throw malformed('text is not base64', cause)
  }
  const out = new Uint8Array(binary.length)
  for (let i = 0; i < out.length; i++) out[i] = binary.charCodeAt(i)
  // atob forgives white space, missing padding and stray low bits: two spellings of one value.
  if (toBase64(out) !== text) throw malformed('base64 is not in its canonical form')
  return out
}

/** Bytes of unpadded base64url. Only the one canonical spelling is accepted. */
export function fromBase64Url(text: string): Uint8Array {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) throw malformed('text is not unpadded base64url')
  const padded = text.replaceAll('-', '+').replaceAll('_', '/') + '='.repeat((4 - (text.length % 4)) % 4)
  return fromBase64(padded)
}

/** Big-endian unsigned integer of `length` bytes (I2OSP). `value` must fit. */
export function uint(value: number, length: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0 || value >= 256 ** length)
    throw new RangeError(`${value} does not fit ${length} bytes`)
  const out = new Uint8Array(length)
  for (let i = length - 1, rest = value; i >= 0; i--, rest = Math.floor(rest / 256)) out[i] = rest % 256
  return out
}

/** Reads fixed-size fields from bytes an attacker may control; never past the end. */
export class ByteReader {
  readonly bytes: Uint8Array
  offset = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  get remaining(): number {
    return this.bytes.length - this.offset
  }

  /** The next `length` bytes, as a view. @throws `BYTES_TRUNCATED` */
  take(length: number): Uint8Array {
    if (length > this.remaining) {
      throw new SottoError<BytesErrorCode>('BYTES_TRUNCATED', 'fix-input', 'message ends too early', {
        expected: `${length} more bytes at offset ${this.offset}`,
        found: `${this.remaining}`,
      })
    }
    const view = this.bytes.subarray(this.offset, this.offset + length)
    this.offset += length
    return view
  }

  /** Big-endian unsigned integer of at most 6 bytes. */
  uint(length: 1 | 2 | 3 | 4 | 6): number {
    let value = 0
    for (const byte of this.take(length)) value = value * 256 + byte
    return value
  }

  /** Refuses bytes after the last field. @throws `BYTES_TRAILING` */
  end(): void {
    if (this.remaining === 0) return
    throw new SottoError<BytesErrorCode>('BYTES_TRAILING', 'fix-input', 'message has trailing bytes', {
      expected: 'the end',
      found: `${this.remaining} more bytes`,
    })
  }
}

function malformed(message: string, cause?: unknown): SottoError<BytesErrorCode> {
  return new SottoError<BytesErrorCode>('BYTES_ENCODING', 'fix-input', message, { cause })
}
