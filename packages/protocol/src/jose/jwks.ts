import { concat, equalBytes, fromBase64Url } from '../bytes/index.ts'
import type { EcdsaCurveName } from '../crypto-backend/index.ts'
import type { JsonValue } from '../jcs/index.ts'
import { parseCertificate, type PublicKey } from '../x509/index.ts'
import { joseError } from './errors.ts'
import { type JsonObject, member, parseJsonObject } from './json.ts'
import { optionalText, parseX5c, type JwsHeader } from './parse.ts'

const MAX_KEYS = 64
const MAX_BYTES = 262_144
/** Bytes of a coordinate (RFC 7518 Section 6.2.1.2). */
const COORDINATE_BYTES: Readonly<Record<EcdsaCurveName, number>> = { 'P-256': 32, 'P-384': 48, 'P-521': 66 }

/** A key of a set, for signatures. */
export interface Jwk {
  kid: string
  kty: 'RSA' | 'EC'
  /** The one algorithm it is for, where the set says so. */
  alg?: string
  /** Certificate of the key and those above it, DER. Proven is nothing about them. */
  x5c?: readonly Uint8Array[]
  /** Members as they were written. */
  members: JsonObject
}

/**
 * Keys by `kid` of a JWK Set (RFC 7517 Section 5). Whoever hands the set in decides what verifies, so
 * where it comes from is the caller's question. Every key must have a `kid` of its own. Keys of another
 * type or use are left out: nothing can be verified with them.
 *
 * @throws `JOSE_MALFORMED` (fix-input)
 */
export function parseJwks(bytes: Uint8Array): ReadonlyMap<string, Jwk> {
  if (bytes.length > MAX_BYTES)
    throw joseError('JOSE_MALFORMED', 'key set is too long', `at most ${MAX_BYTES} bytes`, `${bytes.length}`)
  const keys = member(parseJsonObject(bytes, 'key set'), 'keys')
  if (!Array.isArray(keys) || keys.length > MAX_KEYS)
    throw joseError('JOSE_MALFORMED', 'key set is malformed', `a list of at most ${MAX_KEYS} keys`)
  const found = new Map<string, Jwk>()
  const seen = new Set<string>()
  for (const key of keys as readonly JsonValue[]) {
    if (typeof key !== 'object' || key === null || Array.isArray(key))
      throw joseError('JOSE_MALFORMED', 'key set has something other than a key')
    const members = key as JsonObject
    const kid = optionalText(members, 'kid')
    if (kid === undefined) throw joseError('JOSE_MALFORMED', 'key set has a key without kid')
    if (seen.has(kid)) throw joseError('JOSE_MALFORMED', 'key set has a kid twice')
    seen.add(kid)
    const kty = optionalText(members, 'kty')
    if ((kty !== 'RSA' && kty !== 'EC') || !isForSignatures(members)) continue
    const alg = optionalText(members, 'alg')
    const x5c = parseX5c(member(members, 'x5c'))
    found.set(kid, { kid, kty, ...(alg !== undefined && { alg }), ...(x5c && { x5c }), members })
  }
  return found
}

/** `use` and `key_ops` (RFC 7517 Sections 4.2 and 4.3). */
function isForSignatures(members: JsonObject): boolean {
  const use = optionalText(members, 'use')
  const operations = member(members, 'key_ops')
  const mayVerify = operations === undefined || (Array.isArray(operations) && operations.includes('verify'))
  return (use === undefined || use === 'sig') && mayVerify
}

/**
 * The key that a header names, if the set has it and it is for that algorithm.
 *
 * @throws `JOSE_KEY` (stop)
 */
export function findJwk(keys: ReadonlyMap<string, Jwk>, { kid, alg }: JwsHeader): Jwk {
  if (kid === undefined)
    throw joseError('JOSE_KEY', 'the token does not say which key signed it', 'kid', 'nothing')
  const jwk = keys.get(kid)
  if (!jwk)
    throw joseError('JOSE_KEY', 'the key set has no such key', [...keys.keys()].join(' or ') || 'a key', kid)
  if (jwk.alg !== undefined && jwk.alg !== alg)
    throw joseError('JOSE_KEY', 'the key is for another algorithm', jwk.alg, alg)
  return jwk
}

/**
 * Public key of a JWK: its own members, or else its certificate; both must say the same where both are there.
 *
 * @throws `JOSE_MALFORMED`, `X509_MALFORMED`, `X509_UNSUPPORTED` (fix-input)
 */
export function publicKeyOfJwk({ kty, members, x5c }: Jwk): PublicKey {
  const own = Object.hasOwn(members, kty === 'RSA' ? 'n' : 'x') ? keyOfMembers(kty, members) : undefined
  const certified = x5c && parseCertificate(x5c[0]!).publicKey
  if (own && certified && !isSameKey(own, certified))
    throw joseError('JOSE_MALFORMED', 'the certificate of the key is about another key')
  const key = own ?? certified
  if (!key) throw joseError('JOSE_MALFORMED', 'key set has a key without a value')
  return key
}

function keyOfMembers(kty: Jwk['kty'], members: JsonObject): PublicKey {
  if (kty === 'RSA') return { type: 'rsa', modulus: number(members, 'n'), exponent: number(members, 'e') }
  const crv = optionalText(members, 'crv')
  if (crv !== 'P-256' && crv !== 'P-384' && crv !== 'P-521')
    throw joseError('JOSE_MALFORMED', 'crv is malformed', 'P-256, P-384 or P-521')
  const [x, y] = ['x', 'y'].map((name) => decode(members, name)) as [Uint8Array, Uint8Array]
  if (x.length !== COORDINATE_BYTES[crv] || y.length !== COORDINATE_BYTES[crv])
    throw joseError('JOSE_MALFORMED', 'a coordinate has another length', `${COORDINATE_BYTES[crv]} bytes`)
  return { type: 'ec', curve: crv, point: concat(Uint8Array.of(4), x, y) }
}

/** Base64urlUInt (RFC 7518 Section 2): no leading zeros. */
function number(members: JsonObject, name: string): Uint8Array {
  const bytes = decode(members, name)
  if (bytes.length === 0 || bytes[0] === 0)
    throw joseError('JOSE_MALFORMED', `${name} is malformed`, 'no leading zeros')
  return bytes
}

function decode(members: JsonObject, name: string): Uint8Array {
  try {
    return fromBase64Url(optionalText(members, name)!)
  } catch {
    throw joseError('JOSE_MALFORMED', `${name} is malformed`, 'base64url')
  }
}

function isSameKey(a: PublicKey, b: PublicKey): boolean {
  if (a.type === 'rsa')
    return b.type === 'rsa' && equalBytes(a.modulus, b.modulus) && equalBytes(a.exponent, b.exponent)
  return b.type === 'ec' && a.curve === b.curve && equalBytes(a.point, b.point)
}
