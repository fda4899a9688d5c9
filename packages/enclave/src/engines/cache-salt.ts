import { createHash } from 'node:crypto'
import { engineError } from './errors.ts'

/** 16 random bytes in base64url have 22 characters, in hexadecimal 32. */
const SALT = /^[A-Za-z0-9_-]{22,128}$/

/**
 * The name a salt gives to what is kept under it (T19). A client chose the salt and sent it inside the encryption; only
 * this digest is kept, and goes to a model server. @throws `ENGINE_INPUT` for a salt that cannot hold 128 random bits
 */
export function keyOf(salt: unknown): string {
  if (typeof salt !== 'string' || !SALT.test(salt))
    throw engineError('ENGINE_INPUT', 'cacheSalt is not 22 to 128 characters of base64url or hexadecimal')
  return createHash('sha256').update(`sotto-cache-salt/1\n${salt}`).digest('hex')
}
