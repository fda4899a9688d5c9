import { fromBase64Url, fromUtf8, toHex, utf8 } from '../bytes/index.ts'
import { publicCrypto } from '../crypto-backend/index.ts'
import { type DsseSigner, parseDsse, type PreparedSigner, signDsse, verifyDsse } from '../dsse/index.ts'
import {
  areDistinct,
  base64url,
  canonicalJson,
  type Decoder,
  hex,
  integer,
  list,
  literal,
  object,
  parseCanonicalJson,
  refine,
  text,
} from '../jcs/index.ts'
import { tokenError } from './errors.ts'
import { parseTokenKey, TOKEN_KEY_LENGTH, type TokenKey } from './token-key.ts'

/** Payload type of an issuer's statement of its keys. */
export const ISSUER_KEYS_TYPE = 'application/vnd.sotto.issuer-keys+json'

/** Keys of one class that may be valid at one time: the class is what tokens can be told apart by (T18). */
export const MAX_LIVE_KEYS = 2
/** Classes of one issuer. */
export const MAX_CLASSES = 16
/** What {@link IssuerKeys.previous} of the first statement says. */
export const NO_PREVIOUS_ISSUER_KEYS: string = '0'.repeat(64)
/** Longest life of a key: spent tokens are remembered as long. */
export const MAX_TOKEN_KEY_SECONDS: number = 90 * 86_400

/** Names of classes, in configurations and statements alike. */
export const CLASS_NAME: RegExp = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/
/** Names of issuers: a host name, with a port where it needs one. */
export const ISSUER_NAME: RegExp = /^[A-Za-z0-9][A-Za-z0-9.:-]{0,126}$/

/** One key of a class as it is published. */
export interface PublishedTokenKey {
  /** SubjectPublicKeyInfo, base64url. */
  key: string
  /** Seconds since the Unix epoch. */
  notBefore: number
  notAfter: number
}

/** All keys of an issuer: whole, numbered, and linked to the statement before it (T18, as T3). */
export interface IssuerKeys {
  version: 1
  /** `issuer_name` of the challenges these keys answer. */
  issuer: string
  /** 1 for the first. */
  sequence: number
  /** SHA-256 of the envelope before this one; zeros for the first. */
  previous: string
  issuedAt: number
  classes: { name: string; keys: PublishedTokenKey[] }[]
}

const key: Decoder<PublishedTokenKey> = refine(
  object({ key: base64url(TOKEN_KEY_LENGTH), notBefore: integer(0), notAfter: integer(1) }),
  ({ notBefore, notAfter }) =>
    notAfter <= notBefore || notAfter - notBefore > MAX_TOKEN_KEY_SECONDS
      ? `a key lives for 1 to ${MAX_TOKEN_KEY_SECONDS} seconds`
      : undefined,
)

/** Structure of a statement. @throws `JCS_FIELD` */
export const issuerKeysDecoder: Decoder<IssuerKeys> = refine(
  object({
    version: literal(1),
    issuer: text(127, ISSUER_NAME),
    sequence: integer(1),
    previous: hex(32),
    issuedAt: integer(0),
    classes: list(object({ name: text(32, CLASS_NAME), keys: list(key, 1, MAX_LIVE_KEYS) }), 1, MAX_CLASSES),
  }),
  (keys) => {
    if (!areDistinct(keys.classes.map(({ name }) => name))) return 'a class stands twice'
    // One key in two classes would make the class of a token a matter of opinion.
    if (!areDistinct(keys.classes.flatMap((one) => one.keys.map((published) => published.key))))
      return 'a key stands twice'
    const isFirst = keys.sequence === 1
    return isFirst === (keys.previous === NO_PREVIOUS_ISSUER_KEYS) ? undefined : 'sequence and previous'
  },
)

/** A key of a verified statement. */
export interface ClassKey {
  readonly className: string
  readonly key: TokenKey
  readonly notBefore: number
  readonly notAfter: number
}

/** A statement the issuer's key signed. */
export interface VerifiedIssuerKeys {
  readonly statement: IssuerKeys
  readonly keys: readonly ClassKey[]
  /** SHA-256 of the envelope: `previous` of the next one. */
  readonly digest: string
}

/** Signs a statement; the result is what the log holds. @throws `JCS_FIELD` for one that nobody would accept */
export function signIssuerKeys(keys: IssuerKeys, signer: DsseSigner | PreparedSigner): string {
  issuerKeysDecoder(keys, 'issuer keys')
  return fromUtf8(signDsse(ISSUER_KEYS_TYPE, canonicalJson(keys), [signer]))
}

/**
 * The statement in an envelope from anybody, proven to be signed by the issuer's pinned Ed25519 key. That it is
 * logged, and the newest, is for the caller to find out.
 *
 * @throws `DSSE_MALFORMED`, `DSSE_TYPE`, `DSSE_SIGNATURE`, `JCS_MALFORMED`, `JCS_FIELD`, `TOKEN_KEY`
 */
export function verifyIssuerKeys(envelope: string, issuerKey: Uint8Array): VerifiedIssuerKeys {
  const bytes = utf8(envelope)
  const { payload } = verifyDsse(parseDsse(bytes), ISSUER_KEYS_TYPE, [issuerKey])
  const statement = issuerKeysDecoder(parseCanonicalJson(payload), 'issuer keys')
  const keys = statement.classes.flatMap(({ name, keys: published }) =>
    published.map(({ key: spki, notBefore, notAfter }) => ({
      className: name,
      key: parseTokenKey(fromBase64Url(spki)),
      notBefore,
      notAfter,
    })),
  )
  return { statement, keys, digest: toHex(publicCrypto.sha256(bytes)) }
}

/**
 * Refuses a statement that does not follow the one seen before: older, another one of the same number, or the
 * next one with another past. A gap is accepted: this party was away, and the log holds what it missed.
 * @throws `TOKEN_MALFORMED`
 */
export function requireSuccessor(
  next: VerifiedIssuerKeys,
  seen: { sequence: number; digest: string } | undefined,
): void {
  if (seen === undefined) return
  const { sequence, previous } = next.statement
  const isSame = sequence === seen.sequence && next.digest === seen.digest
  const isNext = sequence === seen.sequence + 1 && previous === seen.digest
  if (isSame || isNext || sequence > seen.sequence + 1) return
  throw tokenError('TOKEN_MALFORMED', 'the issuer shows other keys than it did before', {
    expected: `statement ${seen.sequence} or a successor of it`,
    found: `statement ${sequence}`,
  })
}
