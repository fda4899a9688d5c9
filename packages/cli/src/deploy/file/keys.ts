import { base64url, type Decoder, jcsError, text } from '@sotto/protocol/jcs'
import { hasCode } from '@sotto/protocol/errors'
import { type NoteKeyType, parseVerifierKey } from '@sotto/protocol/note'

/** An uncompressed P-256 point is 65 bytes of which the first is 4. */
const P256_POINT = /^B[A-P][A-Za-z0-9_-]{85}$/
const MAX_URL = 512

const anyKey = base64url(32, 65)

/** A member's public key as the KMS takes it: Ed25519, or a P-256 point. */
export const memberKey: Decoder<string> = (value, path) => {
  const key = anyKey(value, path)
  if (key.length === 43 || P256_POINT.test(key)) return key
  throw jcsError('JCS_FIELD', `${path}: expected a public key`, 'Ed25519, or an uncompressed P-256 point')
}

/** A C2SP verifier key of one type. Whoever swaps those of log and witness would find it out when nothing starts. */
export function noteKey(type: NoteKeyType): Decoder<string> {
  return (value, path) => {
    const key = text(256)(value, path)
    const expected = `name+hash+key, ${type === 'ed25519' ? 'of a log' : 'of a witness (cosignature/v1)'}`
    try {
      if (parseVerifierKey(key).type === type) return key
    } catch (error) {
      if (!hasCode(error, 'NOTE_MALFORMED')) throw error
    }
    throw jcsError('JCS_FIELD', `${path}: expected a verifier key`, expected)
  }
}

/** Address of somebody else's service: http or https, perhaps with a path, and nothing that is a credential or a query. */
export const serviceUrl: Decoder<string> = (value, path) => {
  const url = text(MAX_URL, /^https?:\/\/[^\s/?#@]+(?:\/[^\s?#]*)?$/)(value, path)
  if (URL.canParse(url)) return url
  throw jcsError('JCS_FIELD', `${path}: expected an http or https URL`)
}
