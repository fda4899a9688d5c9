import { fromPaddedBase64Url, toPaddedBase64Url } from './base64url.ts'
import { parseChallenge, TOKEN_TYPE } from './challenge.ts'
import { tokenError } from './errors.ts'
import { encodeToken, parseToken, type Token, TOKEN_LENGTH } from './token.ts'
import { parseTokenKey, TOKEN_KEY_LENGTH, type TokenKey } from './token-key.ts'

/** Longest field value that is read: a server may offer several challenges with their keys. */
const MAX_FIELD_LENGTH = 16_384
/** Challenges in one field that are read. */
const MAX_CHALLENGES = 16

/** What a server asks for: a challenge, and a key it takes tokens of. */
export interface OfferedChallenge {
  /** Bytes of the TokenChallenge: tokens are bound to their digest. */
  readonly challenge: Uint8Array
  /** Absent where the server leaves the key to the issuer's directory. */
  readonly tokenKey: TokenKey | undefined
}

/** `WWW-Authenticate` for one challenge (RFC 9577 Section 2.1). */
export function formatChallenge({ challenge, tokenKey }: OfferedChallenge): string {
  const key = tokenKey === undefined ? '' : `, token-key="${toPaddedBase64Url(tokenKey.spki)}"`
  return `PrivateToken challenge="${toPaddedBase64Url(challenge)}"${key}`
}

/**
 * The challenges of token type 2 in a `WWW-Authenticate` field, in order. Other schemes, other token types and
 * unknown parameters are skipped, as RFC 9577 Section 2.1 asks. @throws `TOKEN_MALFORMED`
 */
export function parseChallenges(value: string): OfferedChallenge[] {
  const offered: OfferedChallenge[] = []
  for (const { scheme, parameters } of splitChallenges(value)) {
    const text = parameters.get('challenge')
    if (scheme.toLowerCase() !== 'privatetoken' || text === undefined) continue
    const challenge = fromPaddedBase64Url(text)
    if (((challenge[0] ?? 0) << 8) + (challenge[1] ?? 0) !== TOKEN_TYPE) continue
    parseChallenge(challenge)
    const key = parameters.get('token-key')
    offered.push({ challenge, tokenKey: key === undefined ? undefined : parseTokenKey(keyBytes(key)) })
  }
  return offered
}

/** `Authorization` that spends a token (RFC 9577 Section 2.2). */
export function formatAuthorization(token: Token): string {
  return `PrivateToken token="${toPaddedBase64Url(encodeToken(token))}"`
}

const AUTHORIZATION = /^PrivateToken token=(?:"([A-Za-z0-9_=-]+)"|([A-Za-z0-9_=-]+))$/i
const MAX_AUTHORIZATION_LENGTH: number = 64 + 4 * Math.ceil(TOKEN_LENGTH / 3)

/** The token of an `Authorization` field from anybody. @throws `TOKEN_MALFORMED` */
export function parseAuthorization(value: string): Token {
  const match = value.length > MAX_AUTHORIZATION_LENGTH ? null : AUTHORIZATION.exec(value)
  const text = match?.[1] ?? match?.[2]
  if (text === undefined) throw tokenError('TOKEN_MALFORMED', 'the authorization is no PrivateToken')
  return parseToken(fromPaddedBase64Url(text))
}

function keyBytes(text: string): Uint8Array {
  const bytes = fromPaddedBase64Url(text)
  if (bytes.length !== TOKEN_KEY_LENGTH)
    throw tokenError('TOKEN_KEY', 'the offered key is none of token type 2')
  return bytes
}

interface RawChallenge {
  scheme: string
  parameters: Map<string, string>
}

const NAME = String.raw`[!#$%&'*+.^_\x60|~0-9A-Za-z-]+`
/** Scheme with the blank behind it, or nothing; then one parameter (RFC 9110 Section 11.2). */
const PARAMETER = new RegExp(
  String.raw`[ \t]*(?:(${NAME})[ \t]+)?(${NAME})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|(${NAME}))[ \t]*(?:,|$)`,
  'y',
)
/** A scheme without parameters, or with the one form they may have instead. */
const SCHEME = new RegExp(String.raw`[ \t]*(${NAME})(?:[ \t]+[A-Za-z0-9._~+/-]+=*)?[ \t]*(?:,|$)`, 'y')

function splitChallenges(value: string): RawChallenge[] {
  const found: RawChallenge[] = []
  for (let at = 0; at < value.length;) {
    PARAMETER.lastIndex = SCHEME.lastIndex = at
    const parameter = value.length > MAX_FIELD_LENGTH ? null : PARAMETER.exec(value)
    const alone = parameter === null && value.length <= MAX_FIELD_LENGTH ? SCHEME.exec(value) : null
    const scheme = parameter?.[1] ?? alone?.[1]
    if (scheme !== undefined) found.push({ scheme, parameters: new Map() })
    const last = found.at(-1)
    if (last === undefined || found.length > MAX_CHALLENGES || (parameter ?? alone) === null)
      throw malformedField()
    if (parameter !== null) {
      const name = parameter[2]!.toLowerCase()
      if (last.parameters.has(name)) throw malformedField()
      last.parameters.set(name, parameter[3]?.replaceAll(/\\(.)/g, '$1') ?? parameter[4]!)
    }
    at = parameter === null ? SCHEME.lastIndex : PARAMETER.lastIndex
  }
  return found
}

function malformedField(): Error {
  return tokenError('TOKEN_MALFORMED', 'the challenges of the field cannot be read')
}
