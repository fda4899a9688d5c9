import { fromBase64, toBase64 } from '../bytes/index.ts'
import { tokenError } from './errors.ts'

/** base64url with padding: the form of RFC 9577 Section 2 and RFC 9578 Section 4. */
export function toPaddedBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_')
}

/** Bytes of padded base64url; no other spelling is accepted. @throws `TOKEN_MALFORMED` */
export function fromPaddedBase64Url(text: string): Uint8Array {
  try {
    if (!/^[A-Za-z0-9_-]*={0,2}$/.test(text)) throw new Error('another character')
    return fromBase64(text.replaceAll('-', '+').replaceAll('_', '/'))
  } catch {
    throw tokenError('TOKEN_MALFORMED', 'text is not padded base64url')
  }
}
