import { crypto } from '../crypto-backend/index.ts'
import { custodyError } from './errors.ts'
import { invert, multiply } from './field.ts'

/** Most shares of one secret, and so most custodians. */
export const MAX_SHARES = 16
/** Fewest shares that open a secret: with one, each custodian would hold all of it. */
export const MIN_THRESHOLD = 2
/** Longest secret, bytes. */
const MAX_SECRET_BYTES = 64

/** One share: the value of the secret's polynomials at `index`. */
export interface Share {
  /** x coordinate, 1 to 16. */
  index: number
  /** As long as the secret. */
  value: Uint8Array
}

/** How a secret is split. */
export interface Split {
  /** 2 to `count`. */
  threshold: number
  /** At most 16. */
  count: number
}

/**
 * Splits a secret so that any `threshold` of `count` shares give it back, and fewer say nothing about it
 * (Shamir, "How to Share a Secret", 1979; byte by byte over GF(2^8) as in draft-mcgrew-tss-03 Section 3).
 * Every byte has a polynomial of its own, with fresh random coefficients.
 *
 * @param secret 1 to 64 bytes
 * @param random default: the system's
 * @throws `SHARE_INVALID`
 */
export function splitSecret(
  secret: Uint8Array,
  { threshold, count }: Split,
  random: (length: number) => Uint8Array = (length) => crypto.randomBytes(length),
): Share[] {
  requireSplit({ threshold, count })
  if (secret.length === 0 || secret.length > MAX_SECRET_BYTES)
    throw custodyError('SHARE_INVALID', 'a secret has 1 to 64 bytes', { found: `${secret.length}` })
  const coefficients = Array.from({ length: threshold - 1 }, () => random(secret.length))
  const shares = Array.from({ length: count }, (_, n) => ({
    index: n + 1,
    value: secret.map((constant, byte) => evaluate(constant, coefficients, byte, n + 1)),
  }))
  for (const bytes of coefficients) bytes.fill(0)
  return shares
}

/**
 * The secret behind shares of one split. Exactly as many as the threshold: with fewer the result is noise,
 * so whoever calls knows the threshold from an authentic document and compares the result with something.
 * @throws `SHARE_INVALID` for too few or too many shares, an index twice or out of range, or different lengths
 */
export function combineShares(shares: readonly Share[], threshold: number): Uint8Array {
  requireSplit({ threshold, count: MAX_SHARES })
  if (shares.length !== threshold)
    throw custodyError('SHARE_INVALID', 'a secret is combined of exactly as many shares as its threshold', {
      expected: `${threshold}`,
      found: `${shares.length}`,
    })
  const indexes = shares.map(({ index }) => index)
  for (const index of indexes)
    if (!Number.isInteger(index) || index < 1 || index > MAX_SHARES)
      throw custodyError('SHARE_INVALID', 'no share has this index', { found: `${index}` })
  if (new Set(indexes).size !== indexes.length)
    throw custodyError('SHARE_INVALID', 'two shares have one index', { found: indexes.join(', ') })
  const [{ value: first }] = shares as [Share]
  if (shares.some(({ value }) => value.length !== first.length) || first.length === 0)
    throw custodyError('SHARE_INVALID', 'the shares are of different secrets')
  const weights = indexes.map((index) => weightAtZero(index, indexes))
  return first.map((_, byte) =>
    shares.reduce((sum, { value }, n) => sum ^ multiply(weights[n]!, value[byte]!), 0),
  )
}

/** Horner's rule from the highest coefficient down. */
function evaluate(
  constant: number,
  coefficients: readonly Uint8Array[],
  byte: number,
  index: number,
): number {
  let value = 0
  for (const bytes of coefficients.toReversed()) value = multiply(value ^ bytes[byte]!, index)
  return value ^ constant
}

/** Lagrange basis polynomial of `index` at 0. In this field minus is plus. Indexes are public. */
function weightAtZero(index: number, all: readonly number[]): number {
  return all
    .filter((other) => other !== index)
    .reduce((weight, other) => multiply(weight, multiply(other, invert(other ^ index))), 1)
}

function requireSplit({ threshold, count }: Split): void {
  const areWhole = Number.isInteger(threshold) && Number.isInteger(count)
  if (areWhole && threshold >= MIN_THRESHOLD && threshold <= count && count <= MAX_SHARES) return
  throw custodyError('SHARE_INVALID', 'a secret is split for 2 of 2 up to 16 of 16', {
    found: `${threshold} of ${count}`,
  })
}
