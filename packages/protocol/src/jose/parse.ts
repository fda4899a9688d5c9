import { fromBase64, fromBase64Url, utf8 } from '../bytes/index.ts'
import type { JsonValue } from '../jcs/index.ts'
import { joseError } from './errors.ts'
import { type JsonObject, member, parseJsonObject } from './json.ts'

/** Longest accepted token; with certificates and claims in it they have 2 to 30 kB. */
const MAX_BYTES = 65_536
/** Longest chain in `x5c`; those in use have 3 certificates. */
const MAX_CERTIFICATES = 10

/**
 * What a JWS header says (RFC 7515 Section 4). `jku`, `jwk` and `x5u` are left out on purpose: a key
 * that a token brings along, or says where to fetch, proves nothing.
 */
export interface JwsHeader {
  alg: string
  kid?: string
  typ?: string
  /** DER certificates, leaf first. Proven is nothing about them. */
  x5c?: readonly Uint8Array[]
}

/** A compact JWS (RFC 7515 Section 7.1). Structure only: authentic after `verifyJws`. */
export interface Jws {
  header: JwsHeader
  payload: Uint8Array
  /** What the signature covers: the encoded header and payload with the point between them. */
  signed: Uint8Array
  /** Empty where the token says that it is not signed. */
  signature: Uint8Array
}

/**
 * Structure of a compact JWS that anybody may have written: three parts of canonical unpadded base64url,
 * a header that is JSON without duplicate names, nothing in it that changes the meaning of the token.
 * The payload may be anything; see `parseClaims`.
 *
 * @param options.maxBytes longest accepted token. Default 65536
 * @throws `JOSE_MALFORMED`, `JOSE_UNSUPPORTED` (fix-input)
 */
export function parseJws(token: string, options: { maxBytes?: number } = {}): Jws {
  const maxBytes = options.maxBytes ?? MAX_BYTES
  if (token.length > maxBytes)
    throw joseError('JOSE_MALFORMED', 'token is too long', `at most ${maxBytes}`, `${token.length}`)
  const [header, payload, signature, ...more] = token.split('.', 4)
  if (header === undefined || payload === undefined || signature === undefined || more.length > 0)
    throw joseError('JOSE_MALFORMED', 'token does not have three parts')
  return {
    header: parseHeader(parseJsonObject(decodePart(header, 'header'), 'header')),
    payload: decodePart(payload, 'payload'),
    signed: utf8(token.slice(0, header.length + 1 + payload.length)),
    signature: decodePart(signature, 'signature'),
  }
}

function parseHeader(header: JsonObject): JwsHeader {
  for (const name of ['crit', 'b64'])
    if (Object.hasOwn(header, name))
      throw joseError('JOSE_UNSUPPORTED', `the header parameter ${name} is not understood`)
  const alg = optionalText(header, 'alg')
  if (alg === undefined) throw joseError('JOSE_MALFORMED', 'header has no alg')
  const kid = optionalText(header, 'kid')
  const typ = optionalText(header, 'typ')
  const x5c = parseX5c(member(header, 'x5c'))
  return {
    alg,
    ...(kid !== undefined && { kid }),
    ...(typ !== undefined && { typ }),
    ...(x5c && { x5c }),
  }
}

/** A member that is text where it is there at all. @throws `JOSE_MALFORMED` */
export function optionalText(object: JsonObject, name: string): string | undefined {
  const value = member(object, name)
  if (value !== undefined && (typeof value !== 'string' || value === ''))
    throw joseError('JOSE_MALFORMED', `${name} is malformed`, 'text')
  return value
}

/** `x5c` (RFC 7515 Section 4.1.6): padded base64, not base64url. @throws `JOSE_MALFORMED` */
export function parseX5c(value: JsonValue | undefined): readonly Uint8Array[] | undefined {
  if (value === undefined) return undefined
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_CERTIFICATES)
    throw joseError('JOSE_MALFORMED', 'x5c is malformed', `1 to ${MAX_CERTIFICATES} certificates`)
  return (value as readonly JsonValue[]).map((text) => {
    try {
      return fromBase64(text as string)
    } catch {
      throw joseError('JOSE_MALFORMED', 'x5c is malformed', 'canonical base64')
    }
  })
}

function decodePart(text: string, what: string): Uint8Array {
  try {
    return fromBase64Url(text)
  } catch {
    throw joseError('JOSE_MALFORMED', `${what} is not canonical unpadded base64url`)
  }
}
