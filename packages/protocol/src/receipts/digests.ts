import { concat, toHex, uint, utf8 } from '../bytes/index.ts'
import { publicCrypto } from '../crypto-backend/index.ts'
import type { Digest } from '../keyrelease/types.ts'

/** Salt of a receipt's digests: without it they say nothing about a short prompt (T16). */
export const RECEIPT_SALT_BYTES = 32

/** What a request digest covers besides the body. `contentType` is empty when absent. */
export interface RequestDigestHead {
  method: string
  /** Path with query. */
  path: string
  contentType: string
}

/** What a response digest covers besides the body. */
export interface ResponseDigestHead {
  status: number
  contentType: string
}

/** A digest that grows with the body, so that nobody holds a body to hash it. */
export interface BodyDigest {
  update(part: Uint8Array): void
  /** Hexadecimal SHA-256; call once. */
  digest(): Digest
}

/**
 * Digest of a request, for who knows the salt before the body: SHA-256 over `"sotto-request-v1" NUL`,
 * the salt, then method, path with query and content type, each after its length as 4 bytes, then the
 * SHA-256 of the body. The body is hashed on its own because the client learns the salt only after
 * both bodies have gone by.
 */
export function requestDigest(salt: Uint8Array, head: RequestDigestHead): BodyDigest {
  requireSalt(salt)
  return overBody((body) => saltRequest(salt, head, body))
}

/** Digest of a response: as {@link requestDigest} over `"sotto-response-v1" NUL`, status in decimal and content type. */
export function responseDigest(salt: Uint8Array, head: ResponseDigestHead): BodyDigest {
  requireSalt(salt)
  return overBody((body) => saltResponse(salt, head, body))
}

/** {@link requestDigest} from the SHA-256 of the body (32 bytes). */
export function saltRequest(salt: Uint8Array, head: RequestDigestHead, bodySha256: Uint8Array): Digest {
  return bind('sotto-request-v1\0', salt, [head.method, head.path, head.contentType], bodySha256)
}

/** {@link responseDigest} from the SHA-256 of the body (32 bytes). */
export function saltResponse(salt: Uint8Array, head: ResponseDigestHead, bodySha256: Uint8Array): Digest {
  return bind('sotto-response-v1\0', salt, [String(head.status), head.contentType], bodySha256)
}

function overBody(finish: (bodySha256: Uint8Array) => Digest): BodyDigest {
  const hash = publicCrypto.createHash('sha256')
  return {
    update: (part) => void hash.update(part),
    digest: () => finish(hash.digest()),
  }
}

function bind(label: string, salt: Uint8Array, fields: readonly string[], bodySha256: Uint8Array): Digest {
  requireSalt(salt)
  if (bodySha256.length !== 32) throw new TypeError('a SHA-256 has 32 bytes')
  const parts = fields.map(utf8).flatMap((field) => [uint(field.length, 4), field])
  return toHex(publicCrypto.sha256(concat(utf8(label), salt, ...parts, bodySha256)))
}

function requireSalt(salt: Uint8Array): void {
  if (salt.length !== RECEIPT_SALT_BYTES) throw new TypeError(`salt must have ${RECEIPT_SALT_BYTES} bytes`)
}
