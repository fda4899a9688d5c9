import { malformed } from './errors.ts'

/** Text of bytes, one character each. TextDecoder has no such encoding: its "latin1" is Windows-1252. */
export function fromByteString(bytes: Uint8Array): string {
  let out = ''
  for (let i = 0; i < bytes.length; i += 4096) out += String.fromCharCode(...bytes.subarray(i, i + 4096))
  return out
}

/** Bytes of text, one per character. @throws `BHTTP_MALFORMED` for a character above U+00FF. */
export function toByteString(text: string): Uint8Array {
  const out = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0xff) throw malformed('a value has a character above U+00FF')
    out[i] = code
  }
  return out
}
