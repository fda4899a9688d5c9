import { concat, toHex, uint, utf8 } from '../bytes/index.ts'
import { crypto } from '../crypto-backend/index.ts'
import type { Digest } from '../keyrelease/types.ts'

/** Salt of a receipt's digests: without it they say nothing about a short prompt (T16). */
export const RECEIPT_SALT_BYTES = 32

/** A digest that grows with the body, so that nobody holds a body to hash it. */
export interface BodyDigest {
  update(part: Uint8Array): void
  /** Hexadecimal SHA-256; call once. */
  digest(): Digest
}

/**
 * Digest of a request: SHA-256 over `"sotto-request-v1" NUL`, the salt, then method, path with query
 * and content type (empty when absent), each after its length as 4 bytes, then the body to the end.
 */
export function requestDigest(
  salt: Uint8Array,
  head: { method: string; path: string; contentType: string },
): BodyDigest {
  return start('sotto-request-v1\0', salt, [head.method, head.path, head.contentType])
}

/** Digest of a response: as {@link requestDigest} over `"sotto-response-v1" NUL`, status in decimal and content type. */
export function responseDigest(salt: Uint8Array, head: { status: number; contentType: string }): BodyDigest {
  return start('sotto-response-v1\0', salt, [String(head.status), head.contentType])
}

function start(label: string, salt: Uint8Array, fields: readonly string[]): BodyDigest {
  if (salt.length !== RECEIPT_SALT_BYTES) throw new TypeError(`salt must have ${RECEIPT_SALT_BYTES} bytes`)
  const hash = crypto.createHash('sha256').update(utf8(label)).update(salt)
  for (const field of fields.map(utf8)) hash.update(concat(uint(field.length, 4), field))
  return {
    update: (part) => void hash.update(part),
    digest: () => toHex(hash.digest()),
  }
}
