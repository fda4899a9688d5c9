import { fromUtf8 } from '../bytes/index.ts'
import { constructed, DerReader, primitive, TAG } from '../der/index.ts'
import type { Certificate } from '../x509/index.ts'
import { omsError, refuseAs } from './errors.ts'

const SUBJECT_ALT_NAME = '2.5.29.17'
/** Issuer of the OpenID Connect token, as text and as UTF8String (Fulcio, docs/oid-info.md). */
const ISSUER_TEXT = '1.3.6.1.4.1.57264.1.1'
const ISSUER = '1.3.6.1.4.1.57264.1.8'
/** Name of a user in an otherName. */
const USER_NAME = '1.3.6.1.4.1.57264.1.7'
const RFC822_NAME = primitive(1)
const URI = primitive(6)
const OTHER_NAME = constructed(0)

/** Who signed, and who says so. */
export interface KeylessIdentity {
  /** The certificate's one name: an address, a URI or a user. */
  identity: string
  /** URL of the OpenID Connect issuer that vouched for it. */
  issuer: string
}

/**
 * Refuses a signer other than the one that is asked for, or vouched for by another issuer: two issuers may know two
 * people by one name. Both are compared exactly, as text.
 *
 * @param leaf proven to be by a trusted authority
 * @throws `OMS_IDENTITY` (stop); `OMS_CERTIFICATE` (stop) for a certificate that does not have one name and one issuer
 */
export function requireIdentity(leaf: Certificate, expected: KeylessIdentity): void {
  const found = refuseAs('OMS_CERTIFICATE', 'the certificate does not say who signed', () => identityOf(leaf))
  if (found.identity !== expected.identity)
    throw omsError('OMS_IDENTITY', 'the model is signed by another identity', {
      expected: expected.identity,
      found: found.identity,
    })
  if (found.issuer !== expected.issuer)
    throw omsError('OMS_IDENTITY', 'another issuer vouches for the signer', {
      expected: expected.issuer,
      found: found.issuer,
    })
}

function identityOf({ extensions }: Certificate): KeylessIdentity {
  const names = extensions.get(SUBJECT_ALT_NAME)
  if (names === undefined) throw unclear('one name', 'none')
  const older = extensions.get(ISSUER_TEXT)
  const newer = extensions.get(ISSUER)
  const issuers = [
    ...(older === undefined ? [] : [asText(older.value)]),
    ...(newer === undefined
      ? []
      : [readWhole(newer.value, (reader) => asText(reader.take(TAG.UTF8_STRING)))]),
  ]
  // Old certificates have the first, those of a transition both, which then say the same.
  if (issuers.length === 0 || issuers[0] !== issuers.at(-1))
    throw unclear('one issuer', issuers.join(', ') || 'none')
  return { identity: readWhole(names.value, readName), issuer: issuers[0]! }
}

/** GeneralNames with exactly one name (RFC 5280 Section 4.2.1.6; Fulcio, docs/certificate-specification.md). */
function readName(outer: DerReader): string {
  const names = outer.enter(TAG.SEQUENCE)
  const tag = names.nextTag
  const name = tag === OTHER_NAME ? readUserName(names.enter(OTHER_NAME)) : asAscii(names.take(nameTag(tag)))
  if (!names.atEnd) throw unclear('one name', 'several')
  return name
}

function nameTag(tag: number): number {
  if (tag === RFC822_NAME || tag === URI) return tag
  throw unclear('an address, a URI or the name of a user', `a name of type ${tag}`)
}

function readUserName(other: DerReader): string {
  const type = other.oid()
  if (type !== USER_NAME) throw unclear(USER_NAME, type)
  const value = other.enter(constructed(0))
  const name = asText(value.take(TAG.UTF8_STRING))
  value.end()
  other.end()
  return name
}

function readWhole(der: Uint8Array, read: (reader: DerReader) => string): string {
  const reader = new DerReader(der)
  const found = read(reader)
  reader.end()
  return found
}

/** IA5String, without control characters. */
function asAscii(bytes: Uint8Array): string {
  const found = asText(bytes)
  if (!/^[\x20-\x7e]+$/.test(found)) throw unclear('ASCII', 'other characters')
  return found
}

function asText(bytes: Uint8Array): string {
  const found = fromUtf8(bytes)
  if (found === '' || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(found)) throw unclear('text', 'other characters')
  return found
}

function unclear(expected: string, found: string): Error {
  return omsError('OMS_CERTIFICATE', 'the certificate does not say who signed', { expected, found })
}
