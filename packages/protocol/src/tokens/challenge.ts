import { ByteReader, concat, fromUtf8, uint, utf8 } from '../bytes/index.ts'
import { publicCrypto } from '../crypto-backend/index.ts'
import { tokenError } from './errors.ts'

/** Publicly verifiable tokens: blind RSA, 2048 bits (RFC 9578 Section 8.2.1). No other type is taken. */
export const TOKEN_TYPE = 0x0002

/** Longest `issuer_name` and `origin_info` accepted; the format allows 65535. */
const MAX_NAME_LENGTH = 255

/** What tokens have to be bound to (RFC 9577 Section 2.1). */
export interface TokenChallenge {
  /** Name of the issuer, a host name. */
  issuerName: string
  /** Where the token may be spent; empty or 32 bytes. */
  redemptionContext: Uint8Array
  /** Names of origins, separated by commas; empty: any. */
  originInfo: string
}

/** Encodes a challenge of token type 2. @throws `TOKEN_MALFORMED` */
export function encodeChallenge(challenge: TokenChallenge): Uint8Array {
  const { issuerName, redemptionContext: context, originInfo } = challenge
  const [issuer, origin] = [utf8(issuerName), utf8(originInfo)]
  const bytes = concat(
    uint(TOKEN_TYPE, 2),
    uint(issuer.length, 2),
    issuer,
    uint(context.length, 1),
    context,
    uint(origin.length, 2),
    origin,
  )
  parseChallenge(bytes)
  return bytes
}

/** A challenge of token type 2 from anybody. @throws `TOKEN_MALFORMED` */
export function parseChallenge(bytes: Uint8Array): TokenChallenge {
  try {
    const reader = new ByteReader(bytes)
    if (reader.uint(2) !== TOKEN_TYPE) throw new Error('another token type')
    const issuerName = name(reader)
    const redemptionContext = reader.take(reader.uint(1)).slice()
    if (![0, 32].includes(redemptionContext.length)) throw new Error('redemption context')
    const originInfo = name(reader)
    reader.end()
    if (issuerName === '') throw new Error('no issuer name')
    return { issuerName, redemptionContext, originInfo }
  } catch (cause) {
    throw tokenError('TOKEN_MALFORMED', 'this is no challenge of token type 2', { cause })
  }
}

/** What a token is bound to: SHA-256 of the challenge (RFC 9577 Section 2.2). */
export function challengeDigest(challenge: Uint8Array): Uint8Array {
  return publicCrypto.sha256(challenge)
}

/** Printable ASCII: host names and ports have no other characters, and the text is shown to people. */
function name(reader: ByteReader): string {
  const length = reader.uint(2)
  if (length > MAX_NAME_LENGTH) throw new Error('a name is too long')
  const text = fromUtf8(reader.take(length))
  if (!/^[\x20-\x7e]*$/.test(text)) throw new Error('a name is not printable')
  return text
}
