import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { edgeError } from '../errors.ts'
import { writeFileDurably } from '../store/durable-file.ts'

/** How every API key begins, so that scanners for leaked secrets know one. */
const PREFIX = 'sk-sotto-'
const API_KEY = /^Bearer (sk-sotto-[A-Za-z0-9_-]{43})$/

/** A fresh API key. Only its digest is kept: this is the one time anybody sees it. */
export interface NewApiKey {
  readonly secret: string
  readonly digest: Uint8Array
  /** Public name of the key: the first 8 bytes of its digest in hexadecimal. */
  readonly id: string
}

/** Makes an API key of 256 random bits: no guessing it, so a plain hash keeps it. */
export function newApiKey(): NewApiKey {
  const secret = PREFIX + randomBytes(32).toString('base64url')
  return { secret, ...nameApiKey(secret) }
}

/** Digest and public name of an API key. */
export function nameApiKey(secret: string): Omit<NewApiKey, 'secret'> {
  const digest = sha256(secret)
  return { digest: new Uint8Array(digest), id: digest.subarray(0, 8).toString('hex') }
}

/** The API key of a request. @throws `ISSUER_UNAUTHORIZED` when there is none of our form */
export function apiKeyOf(request: Request): string {
  const secret = API_KEY.exec(request.headers.get('authorization') ?? '')?.[1]
  if (secret === undefined) throw unauthorized()
  return secret
}

/** One answer for every reason: which keys exist is nobody's business. */
export function unauthorized(): Error {
  return edgeError('ISSUER_UNAUTHORIZED', 'this needs an API key that is in force')
}

/** Whether two digests are the same, in constant time. */
export function isSameDigest(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

/** Shortest accepted admin token, in characters: 32 random bytes are 43 in base64url. */
const MIN_ADMIN_TOKEN_LENGTH = 32

/** Makes the check of `Authorization: Bearer …` on admin routes. @throws `ISSUER_UNAUTHORIZED` from the check */
export function requireAdminToken(token: string): (request: Request) => void {
  if (token.length < MIN_ADMIN_TOKEN_LENGTH)
    throw edgeError('ISSUER_UNAUTHORIZED', 'the admin token is too short to be secret', {
      expected: `at least ${MIN_ADMIN_TOKEN_LENGTH} characters`,
    })
  const expected = sha256(`Bearer ${token}`)
  return function checkAdminToken(request) {
    if (timingSafeEqual(sha256(request.headers.get('authorization') ?? ''), expected)) return
    throw edgeError('ISSUER_UNAUTHORIZED', 'this needs the admin token')
  }
}

/** The token given by the environment, or the one in `file`, made on first use (mode 0600). */
export function openAdminToken(file: string, fromEnvironment: string | undefined): string {
  if (fromEnvironment !== undefined && fromEnvironment !== '') return fromEnvironment
  if (!existsSync(file)) writeFileDurably(file, `${randomBytes(32).toString('base64url')}\n`, 0o600)
  return readFileSync(file, 'utf8').trim()
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
