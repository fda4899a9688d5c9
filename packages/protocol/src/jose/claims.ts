import { joseError } from './errors.ts'
import { type JsonObject, member, parseJsonObject } from './json.ts'

/**
 * Claims of a token (RFC 7519): an object, no name twice at any depth. Proven only as far as the
 * signature over them is.
 *
 * @throws `JOSE_MALFORMED` (fix-input)
 */
export function parseClaims(payload: Uint8Array): JsonObject {
  return parseJsonObject(payload, 'claims set')
}

/** When a token is valid, Unix seconds. */
export interface TokenTimes {
  exp: number
  nbf?: number
  iat?: number
}

/**
 * Checks the times of a token (RFC 7519 Sections 4.1.4 to 4.1.6): it must say when it ends, and at `at`
 * it has begun, was issued and has not ended.
 *
 * @param at time of checking, Unix seconds
 * @param options.clockSkewSeconds how far the clocks of issuer and verifier may be apart. Default 0
 * @throws `JOSE_MALFORMED` (fix-input), `JOSE_TIME` (stop)
 */
export function verifyTimes(
  claims: JsonObject,
  at: number,
  options: { clockSkewSeconds?: number } = {},
): TokenTimes {
  const skew = options.clockSkewSeconds ?? 0
  const exp = numericDate(claims, 'exp')
  const nbf = numericDate(claims, 'nbf')
  const iat = numericDate(claims, 'iat')
  if (exp === undefined) throw joseError('JOSE_MALFORMED', 'token does not say when it ends', 'exp')
  // Written so that a time that is no number is refused.
  if (!(at < exp + skew)) throw joseError('JOSE_TIME', 'the token has expired', `before ${day(exp)}`, day(at))
  for (const from of [nbf, iat])
    if (from !== undefined && !(at >= from - skew))
      throw joseError('JOSE_TIME', 'the token is not valid yet', `${day(from)} or later`, day(at))
  return { exp, ...(nbf !== undefined && { nbf }), ...(iat !== undefined && { iat }) }
}

/** 9999-12-31T23:59:59Z: what stands behind it is not a time. */
const LAST_DATE = 253_402_300_799

/**
 * A NumericDate in whole seconds; the RFC allows fractions, no issuer here writes them.
 *
 * @throws `JOSE_MALFORMED` (fix-input)
 */
export function numericDate(claims: JsonObject, name: string): number | undefined {
  const value = member(claims, name)
  if (value === undefined) return undefined
  if (!Number.isSafeInteger(value) || (value as number) < 0 || (value as number) > LAST_DATE)
    throw joseError('JOSE_MALFORMED', `${name} is malformed`, 'whole seconds since 1970')
  return value as number
}

function day(seconds: number): string {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString().replace('.000', '')
}
