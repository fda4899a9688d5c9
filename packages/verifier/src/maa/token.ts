import { fromUtf8 } from '@sotto/protocol/bytes'
import { type JsonObject, type Jws, member, parseClaims, parseJws } from '@sotto/protocol/jose'
import type { JsonValue } from '@sotto/protocol/jcs'
import { verifierError } from '../errors.ts'

/** Tokens have 2 to 30 kB; the largest carry runtime data and event logs. */
const MAX_TOKEN_BYTES = 131_072

/** A token of Microsoft Azure Attestation. Structure only: nothing in it is proven. */
export interface MaaToken {
  jws: Jws
  claims: JsonObject
  /** `iss`, the URL of the provider; undefined where it is not text. */
  issuer: string | undefined
  /** The hardware that it is about. */
  tee: TeeClaims
}

/** Claims about one piece of hardware: those of the token, or of `x-ms-isolation-tee` where the token is about a VM. */
export interface TeeClaims {
  /** `x-ms-attestation-type`: `sgx`, `sevsnpvm`, `tdxvm` or something unknown; undefined where it is not text. */
  type: string | undefined
  claims: JsonObject
}

/**
 * Structure of a token: a compact JWS with claims (RFC 7519).
 *
 * @param bytes ASCII text
 * @throws `EVIDENCE_MALFORMED` (fix-input)
 */
export function parseMaaToken(bytes: Uint8Array): MaaToken {
  try {
    if (bytes.length > MAX_TOKEN_BYTES) throw new Error('token is too long')
    const jws = parseJws(fromUtf8(bytes), { maxBytes: MAX_TOKEN_BYTES })
    const claims = parseClaims(jws.payload)
    return { jws, claims, issuer: textClaim(claims, 'iss'), tee: teeOf(claims) }
  } catch (cause) {
    throw verifierError('EVIDENCE_MALFORMED', `attestation token: ${(cause as Error).message}`, { cause })
  }
}

function teeOf(claims: JsonObject): TeeClaims {
  const isolation = member(claims, 'x-ms-isolation-tee')
  const inner = isolation === undefined ? claims : objectOf(isolation)
  if (inner === undefined) throw new Error('x-ms-isolation-tee is malformed')
  return { type: textClaim(inner, 'x-ms-attestation-type'), claims: inner }
}

/** A claim that is text; undefined for every other. */
export function textClaim(claims: JsonObject, name: string): string | undefined {
  const value = member(claims, name)
  return typeof value === 'string' ? value : undefined
}

/** A value that is an object; undefined for every other. */
export function objectOf(value: JsonValue | undefined): JsonObject | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? (value as JsonObject) : undefined
}
