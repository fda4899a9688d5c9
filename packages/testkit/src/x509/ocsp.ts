import { crypto } from '@sotto/protocol/crypto-backend'
import type { Certificate } from '@sotto/protocol/x509'
import { extension, type FakeExtension, signatureAlgorithm, signed } from './certificate.ts'
import {
  der,
  explicit,
  generalizedTime,
  integer,
  name,
  nothing,
  octets,
  oid,
  sequence,
} from './der-writer.ts'
import { FAKE_NOW, type FakeKey, type FakeSigner } from './key.ts'

/** What a response says; the defaults are those of a genuine `good` that is in date. */
export interface OcspOptions {
  status?: 'good' | 'revoked' | 'unknown'
  /** CRLReason of RFC 5280 Section 5.3.1. */
  reason?: number
  thisUpdate?: number
  /** `null` leaves it out. */
  nextUpdate?: number | null
  producedAt?: number
  nonce?: Uint8Array
  /** Signs and is named instead of the issuer; its certificate is sent along. */
  responder?: FakeSigner & { readonly der: Uint8Array }
  /** Certificates to send along; default: the responder's, when it is not the issuer. */
  certificates?: readonly Uint8Array[]
  /** Names the responder by this instead of its name; SHA-1 of its key. */
  responderKeyHash?: Uint8Array
  /** Hash in the CertID with its object identifier. Default SHA-256. */
  hash?: { oid: string; digest: (bytes: Uint8Array) => Uint8Array }
  /** Serial number to answer about instead of the certificate's. */
  serialNumber?: Uint8Array
  /** Issuer of the certificate in the CertID instead of this one. */
  aboutIssuer?: FakeSigner
  /** The same answer this many times. Default 1. */
  copies?: number
  extensions?: readonly FakeExtension[]
  singleExtensions?: readonly FakeExtension[]
  /** Signs with this key instead of the responder's. */
  signWith?: FakeKey
  /** OCSPResponseStatus. Default 0, successful. */
  responseStatus?: number
}

const SHA256 = { oid: '2.16.840.1.101.3.4.2.1', digest: (bytes: Uint8Array) => crypto.sha256(bytes) }

/** A basic OCSP response about one certificate. */
export function ocspDer(issuer: FakeSigner, certificate: Certificate, options: OcspOptions = {}): Uint8Array {
  const { responseStatus = 0, responder } = options
  const status = der(0x0a, Uint8Array.of(responseStatus))
  if (responseStatus !== 0) return sequence(status)
  const signer = options.signWith ?? (responder ?? issuer).key
  const algorithm = signatureAlgorithm(signer)
  const { nonce } = options
  const extensions = [
    ...(nonce === undefined ? [] : [{ oid: '1.3.6.1.5.5.7.48.1.2', value: octets(nonce) }]),
    ...(options.extensions ?? []),
  ]
  const single = singleResponse(issuer, certificate, options)
  const tbs = sequence(
    options.responderKeyHash === undefined
      ? explicit(1, name((responder ?? issuer).commonName))
      : explicit(2, octets(options.responderKeyHash)),
    generalizedTime(options.producedAt ?? options.thisUpdate ?? FAKE_NOW - 3600),
    sequence(...Array.from({ length: options.copies ?? 1 }, () => single)),
    ...extensionField(extensions),
  )
  const certificates = options.certificates ?? (responder === undefined ? [] : [responder.der])
  const more = certificates.length > 0 ? [explicit(0, sequence(...certificates))] : []
  const basic = signed(tbs, algorithm, signer, ...more)
  return sequence(status, explicit(0, sequence(oid('1.3.6.1.5.5.7.48.1.1'), octets(basic))))
}

function singleResponse(issuer: FakeSigner, certificate: Certificate, options: OcspOptions): Uint8Array {
  const {
    hash = SHA256,
    aboutIssuer = issuer,
    thisUpdate = FAKE_NOW - 3600,
    nextUpdate = FAKE_NOW + 86_400,
  } = options
  return sequence(
    sequence(
      sequence(oid(hash.oid), nothing()),
      octets(hash.digest(name(aboutIssuer.commonName))),
      octets(hash.digest(aboutIssuer.key.publicKey)),
      integer(options.serialNumber ?? certificate.serialNumber),
    ),
    statusOf(options, thisUpdate),
    generalizedTime(thisUpdate),
    ...(nextUpdate === null ? [] : [explicit(0, generalizedTime(nextUpdate))]),
    ...extensionField(options.singleExtensions ?? []),
  )
}

function statusOf({ status = 'good', reason }: OcspOptions, at: number): Uint8Array {
  if (status === 'good') return der(0x80)
  if (status === 'unknown') return der(0x82)
  const reasonField = reason === undefined ? [] : [explicit(0, der(0x0a, Uint8Array.of(reason)))]
  return explicit(1, generalizedTime(at), ...reasonField)
}

function extensionField(extensions: readonly FakeExtension[]): Uint8Array[] {
  return extensions.length > 0 ? [explicit(1, sequence(...extensions.map(extension)))] : []
}
