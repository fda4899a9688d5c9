import { fromUtf8, toHex } from '@sotto/protocol/bytes'
import { type CoseSign1, parseCoseSign1 } from '@sotto/protocol/cose'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import { TAG } from '@sotto/protocol/der'
import {
  type Certificate,
  certificatesOfPem,
  type Crl,
  parseCertificate,
  parseCrl,
  pemToDer,
} from '@sotto/protocol/x509'
import { Refusal } from '../checks/index.ts'
import { type Collateral, withX509 } from '../family/index.ts'
import { type EndorsementKey, isEndorsementKey, parseEndorsementKey } from './kds.ts'

/** Pieces that one verification may bring: a chain, both kinds of leaf, CRLs, an endorsement, and room for surplus. */
const MAX_PIECES = 32
const MAX_CERTIFICATES = 32
/** Chains have 5 kB, CRLs and endorsements up to 11 kB. */
const MAX_PIECE_BYTES = 262_144

/** What came beside a report, sorted by what it is. Nothing in it is proven. */
export interface SnpCollateral {
  /** Certificates other than those of endorsement keys. */
  certificates: Certificate[]
  keys: EndorsementKey[]
  crls: Crl[]
  /** Azure's endorsements of utility VMs. */
  endorsements: CoseSign1[]
  /** Why pieces could not be read, or are nothing known. */
  problems: Refusal[]
}

/** Certificates that were read before and led to a root, by SHA-256 of their bytes: reading is the same each time. */
export interface KnownCertificates {
  get(digest: string): Certificate | undefined
}

/**
 * Sorts pieces by their content; names say nothing. Does not throw: what cannot be read is listed.
 */
export function readSnpCollateral(collateral: Collateral, known: KnownCertificates): SnpCollateral {
  const read: SnpCollateral = { certificates: [], keys: [], crls: [], endorsements: [], problems: [] }
  const pieces = Object.values(collateral)
  if (pieces.length > MAX_PIECES) {
    read.problems.push(unknownPiece('too much was given', `at most ${MAX_PIECES} pieces`, `${pieces.length}`))
    return read
  }
  for (const piece of pieces) {
    try {
      readPiece(piece, read, known)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      read.problems.push(error)
    }
  }
  return read
}

function readPiece(piece: Uint8Array, into: SnpCollateral, known: KnownCertificates): void {
  if (piece.length > MAX_PIECE_BYTES)
    throw unknownPiece('a piece is too long', `at most ${MAX_PIECE_BYTES} bytes`, `${piece.length}`)
  const first = piece[0]
  if (first === TAG.SEQUENCE) return readDer(piece, into, known)
  if (first === COSE_TAGGED || first === COSE_UNTAGGED) {
    into.endorsements.push(readEndorsement(piece))
    return
  }
  if (!startsAsPem(piece)) throw unknownPiece('a piece is no certificate, CRL or endorsement')
  const text = asText(piece)
  if (text.includes(CRL_LABEL)) {
    into.crls.push(readCrl(() => parseCrl(pemToDer(text, CRL_LABEL))))
    return
  }
  for (const der of withX509('a chain of certificates', () => certificatesOfPem(text)))
    readCertificate(der, into, known)
}

/** First bytes of COSE_Sign1: tag 18, or an array of four. */
const COSE_TAGGED = 0xd2
const COSE_UNTAGGED = 0x84
const CRL_LABEL = 'X509 CRL'

/** White space and a dash: everything else in front of PEM is refused by the reader. */
function startsAsPem(piece: Uint8Array): boolean {
  return piece.find((byte) => byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) === 0x2d
}

function asText(piece: Uint8Array): string {
  try {
    return fromUtf8(piece)
  } catch {
    throw new Refusal('a chain of certificates is no text', 'PEM', undefined, 'malformed')
  }
}

function readDer(der: Uint8Array, into: SnpCollateral, known: KnownCertificates): void {
  if (isCrl(der)) into.crls.push(readCrl(() => parseCrl(der)))
  else readCertificate(der, into, known)
}

function readCertificate(der: Uint8Array, into: SnpCollateral, known: KnownCertificates): void {
  if (into.certificates.length + into.keys.length >= MAX_CERTIFICATES)
    throw unknownPiece('too many certificates were given', `at most ${MAX_CERTIFICATES}`)
  const certificate =
    known.get(certificateDigest(der)) ?? withX509('a certificate', () => parseCertificate(der))
  if (isEndorsementKey(certificate))
    into.keys.push(withX509('the certificate of the chip', () => parseEndorsementKey(certificate)))
  else into.certificates.push(certificate)
}

/** Name of a certificate in {@link KnownCertificates}. */
export function certificateDigest(der: Uint8Array): string {
  return toHex(publicCrypto.sha256(der))
}

/**
 * TBSCertificate of version 3 starts with `[0]`, TBSCertList with its version or an algorithm (RFC
 * 5280). Only looks where that tag would stand, so that a CRL that is cut off is a bad CRL.
 */
function isCrl(der: Uint8Array): boolean {
  const inner = afterHeader(der, 0)
  const tag = der[afterHeader(der, inner)]
  return der[inner] === TAG.SEQUENCE && (tag === TAG.INTEGER || tag === TAG.SEQUENCE)
}

/** Where the content of the element at `at` starts. */
function afterHeader(der: Uint8Array, at: number): number {
  const length = der[at + 1] ?? 0
  return at + 2 + (length > 0x80 ? length & 0x7f : 0)
}

function readCrl(parse: () => Crl): Crl {
  return withX509('a CRL', parse, 'collateral-invalid')
}

function readEndorsement(bytes: Uint8Array): CoseSign1 {
  try {
    return parseCoseSign1(bytes)
  } catch (error) {
    const { message, expected, found } = error as { message: string; expected?: string; found?: string }
    throw unknownPiece(`an endorsement is malformed: ${message}`, expected, found)
  }
}

function unknownPiece(reason: string, expected?: string, found?: string): Refusal {
  return new Refusal(reason, expected, found, 'collateral-invalid')
}
