import { toHex } from '../bytes/index.ts'
import { constructed, DerReader, malformed, readTime, TAG } from '../der/index.ts'
import { parseSignatureAlgorithm, requireSameAlgorithm } from './algorithm.ts'
import { readSerialNumber } from './certificate.ts'
import { unsupported, x509Error } from './errors.ts'
import { readExtensions } from './extensions.ts'
import { readName } from './name.ts'
import type { Extension, SignatureAlgorithm } from './types.ts'

/** Longest list: 4 MiB. Intel's have 3 kB, and 100 000 entries with a reason have 4 MB. */
export const MAX_CRL_BYTES = 4_194_304

/** Most entries, as each one becomes an object here. */
export const MAX_CRL_ENTRIES = 100_000

/** One entry of a CRL (RFC 5280 Section 5.1.2.6). */
export interface RevokedCertificate {
  /** Unix seconds. */
  at: number
  /** CRLReason of Section 5.3.1; undefined when none is told. */
  reason: number | undefined
}

/** A certificate revocation list that was read. Nothing has been proven about it. */
export interface Crl {
  /** What the signature covers. */
  readonly tbs: Uint8Array
  /** DER of the Name. */
  readonly issuer: Uint8Array
  readonly issuerText: string
  /** Unix seconds. */
  readonly thisUpdate: number
  readonly nextUpdate: number | undefined
  /** By serial number in lower-case hexadecimal, empty for 0. */
  readonly revoked: ReadonlyMap<string, RevokedCertificate>
  /** Lower-case hexadecimal of CRLNumber (Section 5.2.3). */
  readonly crlNumber: string | undefined
  readonly extensions: ReadonlyMap<string, Extension>
  readonly signatureAlgorithm: SignatureAlgorithm
  readonly signature: Uint8Array
}

/** `v2` of RFC 5280 Section 5.1.2.1. */
const VERSION_2 = 1
const CRL_NUMBER = '2.5.29.20'
const REASON_CODE = '2.5.29.21'
const REMOVE_FROM_CRL = 8
/** Last CRLReason; 7 is not used (RFC 5280 Section 5.3.1). */
const MAX_REASON = 10

/**
 * Reads a version 2 CRL (RFC 5280 Section 5.1) that anybody may have written: strict DER and nothing
 * after it. The bytes are copied. Nothing is verified.
 *
 * @throws `X509_MALFORMED`, `X509_UNSUPPORTED`; `X509_CRL` for an entry of an indirect or a delta CRL
 */
export function parseCrl(der: Uint8Array): Crl {
  const outer = new DerReader(new Uint8Array(der), MAX_CRL_BYTES)
  const crl = outer.enter(TAG.SEQUENCE)
  outer.end()
  const tbs = crl.element(TAG.SEQUENCE)
  const algorithm = crl.element(TAG.SEQUENCE)
  const signature = crl.bitString()
  crl.end()

  const fields = new DerReader(tbs, MAX_CRL_BYTES).enter(TAG.SEQUENCE)
  requireVersion2(fields)
  requireSameAlgorithm(fields.element(TAG.SEQUENCE), algorithm)
  const issuer = fields.element(TAG.SEQUENCE)
  const thisUpdate = readTime(fields)
  const nextUpdate = isTime(fields.nextTag) ? readTime(fields) : undefined
  const revoked =
    fields.nextTag === TAG.SEQUENCE ? readEntries(fields.enter(TAG.SEQUENCE)) : new Map<string, never>()
  const extensions = fields.atEnd ? new Map<string, Extension>() : readExtensions(inside(fields))
  fields.end()

  return {
    tbs,
    issuer,
    issuerText: readName(new DerReader(issuer).enter(TAG.SEQUENCE)).text,
    thisUpdate,
    nextUpdate,
    revoked,
    crlNumber: numberOf(extensions.get(CRL_NUMBER)),
    extensions,
    signatureAlgorithm: parseSignatureAlgorithm(algorithm),
    signature,
  }
}

function requireVersion2(fields: DerReader): void {
  if (fields.nextTag !== TAG.INTEGER || fields.smallInteger() !== VERSION_2)
    throw unsupported('CRL has another version', '2')
}

function readEntries(list: DerReader): Map<string, RevokedCertificate> {
  const revoked = new Map<string, RevokedCertificate>()
  // An empty list would have to be left out (Section 5.1.2.6), but it says the same.
  while (!list.atEnd) {
    if (revoked.size === MAX_CRL_ENTRIES)
      throw malformed('CRL has too many entries', `at most ${MAX_CRL_ENTRIES}`)
    const entry = list.enter(TAG.SEQUENCE)
    const serial = toHex(readSerialNumber(entry))
    const at = readTime(entry)
    const reason = entry.atEnd ? undefined : readReason(entry.enter(TAG.SEQUENCE))
    entry.end()
    if (revoked.has(serial)) throw malformed('CRL has a serial number twice', undefined, serial)
    revoked.set(serial, { at, reason })
  }
  return revoked
}

/** Entry extensions (Section 5.3): the reason is known; certificateIssuer, the mark of an indirect CRL, is critical. */
function readReason(list: DerReader): number | undefined {
  let reason: number | undefined
  for (const [oid, { critical, value }] of readExtensions(list)) {
    if (oid === REASON_CODE) {
      const reader = new DerReader(value)
      reason = readCrlReason(reader)
      reader.end()
    } else if (critical)
      throw x509Error('X509_CRL', 'CRL entry has an unknown critical extension', undefined, oid)
  }
  if (reason === REMOVE_FROM_CRL) throw x509Error('X509_CRL', 'CRL removes an entry, as only a delta CRL may')
  return reason
}

/** CRLReason (RFC 5280 Section 5.3.1). @throws `X509_MALFORMED` */
export function readCrlReason(reader: DerReader): number {
  const reason = reader.smallInteger(MAX_REASON, TAG.ENUMERATED)
  if (reason === 7) throw malformed('reason of a revocation is not defined', undefined, '7')
  return reason
}

function numberOf(extension: Extension | undefined): string | undefined {
  if (extension === undefined) return undefined
  const reader = new DerReader(extension.value)
  const number = reader.unsigned()
  reader.end()
  return toHex(number)
}

function isTime(tag: number): boolean {
  return tag === TAG.UTC_TIME || tag === TAG.GENERALIZED_TIME
}

function inside(fields: DerReader): DerReader {
  const field = fields.enter(constructed(0))
  const list = field.enter(TAG.SEQUENCE)
  field.end()
  return list
}
