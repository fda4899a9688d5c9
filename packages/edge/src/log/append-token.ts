import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { edgeError } from '../errors.ts'
import { writeFileDurably } from '../store/durable-file.ts'

/** Shortest accepted token, in characters: 32 random bytes are 43 in base64url. */
const MIN_TOKEN_LENGTH = 32

/**
 * Makes the check of `Authorization: Bearer …`. Hashes are compared, in constant time, so neither
 * the content nor the length of the token shows in how long a refusal takes.
 * @throws `LOG_UNAUTHORIZED` from the check
 */
export function requireAppendToken(token: string): (request: Request) => void {
  if (token.length < MIN_TOKEN_LENGTH) {
    throw edgeError('LOG_UNAUTHORIZED', 'the append token is too short to be secret', {
      expected: `at least ${MIN_TOKEN_LENGTH} characters`,
    })
  }
  const expected = digest(`Bearer ${token}`)
  return function checkAppendToken(request) {
    if (timingSafeEqual(digest(request.headers.get('authorization') ?? ''), expected)) return
    throw edgeError('LOG_UNAUTHORIZED', 'appending needs the append token')
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** The token given by the environment, or the one in `file`, made on first use (mode 0600). */
export function openAppendToken(file: string, fromEnvironment: string | undefined): string {
  if (fromEnvironment !== undefined && fromEnvironment !== '') return fromEnvironment
  if (!existsSync(file)) writeFileDurably(file, `${randomBytes(32).toString('base64url')}\n`, 0o600)
  return readFileSync(file, 'utf8').trim()
}
