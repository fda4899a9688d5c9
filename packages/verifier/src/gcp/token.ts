import { fromUtf8 } from '@sotto/protocol/bytes'
import type { JsonValue } from '@sotto/protocol/jcs'
import { type JsonObject, type Jws, member, parseClaims, parseJws } from '@sotto/protocol/jose'
import { verifierError } from '../errors.ts'

/** Tokens have 3 to 15 kB, with three certificates and the arguments of the container in them. */
const MAX_TOKEN_BYTES = 65_536

/**
 * A token of Google's attestation verifier about a Confidential Space. Structure only: nothing in it is
 * proven. Names of claims:
 * https://cloud.google.com/confidential-computing/confidential-space/docs/reference/token-claims
 */
export interface ConfidentialSpaceToken {
  jws: Jws
  claims: JsonObject
  /** `eat_nonce`, which may be one or several. */
  nonces: readonly string[]
  /** `aud`. */
  audiences: readonly string[]
  /** `submods.container`; empty where it is missing. */
  container: JsonObject
  /** `submods.confidential_space.support_attributes`; undefined where it is missing, as in debug images. */
  supportAttributes: readonly string[] | undefined
}

/**
 * Structure of a token: a compact JWS with claims (RFC 7519).
 *
 * @param bytes ASCII text
 * @throws `EVIDENCE_MALFORMED` (fix-input)
 */
export function parseConfidentialSpaceToken(bytes: Uint8Array): ConfidentialSpaceToken {
  try {
    if (bytes.length > MAX_TOKEN_BYTES) throw new Error('token is too long')
    const jws = parseJws(fromUtf8(bytes), { maxBytes: MAX_TOKEN_BYTES })
    const claims = parseClaims(jws.payload)
    const space = claimAt(claims, 'submods', 'confidential_space', 'support_attributes')
    return {
      jws,
      claims,
      nonces: texts(member(claims, 'eat_nonce'), 'eat_nonce'),
      audiences: texts(member(claims, 'aud'), 'aud'),
      container: objectOf(claimAt(claims, 'submods', 'container')) ?? {},
      supportAttributes: space === undefined ? undefined : texts(space, 'support_attributes'),
    }
  } catch (cause) {
    throw verifierError('EVIDENCE_MALFORMED', `attestation token: ${(cause as Error).message}`, { cause })
  }
}

/** A claim inside others; undefined where one of them is missing or no object. */
export function claimAt(claims: JsonObject, ...path: readonly string[]): JsonValue | undefined {
  return path.reduce<JsonValue | undefined>((holder, name) => {
    const object = objectOf(holder)
    return object && member(object, name)
  }, claims)
}

/** One text or a list of them; none where the claim is missing. */
function texts(value: JsonValue | undefined, name: string): readonly string[] {
  const list: readonly unknown[] =
    value === undefined ? [] : Array.isArray(value) ? (value as unknown[]) : [value]
  if (list.length > 16 || !list.every((item) => typeof item === 'string'))
    throw new Error(`${name} is malformed`)
  return list as readonly string[]
}

function objectOf(value: JsonValue | undefined): JsonObject | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? (value as JsonObject) : undefined
}
