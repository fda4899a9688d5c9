import { crypto } from '@sotto/protocol/crypto-backend'
import { type Certificate, derToPem, KEY_USAGE, parseCertificate } from '@sotto/protocol/x509'
import { certificateDer, type CertificateFields, type FakeExtension } from './certificate.ts'
import { crlDer, type CrlOptions } from './crl.ts'
import { FAKE_NOW, type FakeCurve, type FakeKey, fakeKey, type FakeSigner } from './key.ts'
import { ocspDer, type OcspOptions } from './ocsp.ts'

/** What a certificate says; everything has a default that {@link verifyPath} accepts. */
export interface FakeCertificateOptions {
  commonName?: string
  curve?: FakeCurve
  /** Big-endian; random when left out. */
  serialNumber?: Uint8Array
  notBefore?: number
  notAfter?: number
  /** Default: true for a root and an intermediate. `null` leaves basicConstraints out. */
  ca?: boolean | null
  pathLength?: number
  /** Bits of {@link KEY_USAGE}. `null` leaves the extension out. */
  keyUsage?: number | null
  extendedKeyUsage?: readonly string[]
  /** Further extensions. */
  extensions?: readonly FakeExtension[]
  /** Names this issuer instead of the one that signs. */
  issuerName?: string
  /** Signs with this key instead of the issuer's. */
  signWith?: FakeKey
  /** Uses this key instead of a new one. */
  key?: FakeKey
}

/** A certificate whose private key is here. */
export interface FakeIdentity extends FakeSigner {
  readonly der: Uint8Array
  readonly pem: string
  /** Parsed when it is first asked for, as a wrong one may not parse. */
  readonly certificate: Certificate
  /** Issues a certificate: a leaf, or an authority with `ca: true`. */
  issue(options?: FakeCertificateOptions): FakeIdentity
  crl(options?: CrlOptions): Uint8Array
  /** Answers about a certificate, signed by this identity or by `responder`. */
  ocsp(certificate: Certificate, options?: OcspOptions): Uint8Array
}

/** A self-signed root with a new key. For tests: nobody may pin it anywhere else. */
export function fakeRoot(options: FakeCertificateOptions = {}): FakeIdentity {
  const key = options.key ?? fakeKey(options.curve)
  return identity({ commonName: 'Fake Root', ca: true, ...options, key }, undefined)
}

function identity(options: FakeCertificateOptions, issuer: FakeIdentity | undefined): FakeIdentity {
  const { commonName = 'Fake Leaf', ca = false, keyUsage } = options
  const key = options.key ?? fakeKey(options.curve ?? issuer?.key.curve)
  const fields: CertificateFields = {
    serialNumber: options.serialNumber ?? crypto.randomBytes(16),
    issuer: options.issuerName ?? issuer?.commonName ?? commonName,
    subject: commonName,
    notBefore: options.notBefore ?? FAKE_NOW - 31_536_000,
    notAfter: options.notAfter ?? FAKE_NOW + 31_536_000,
    key,
    ca,
    pathLength: options.pathLength,
    keyUsage:
      keyUsage !== undefined
        ? keyUsage
        : ca === true
          ? KEY_USAGE.keyCertSign | KEY_USAGE.cRLSign
          : KEY_USAGE.digitalSignature,
    extendedKeyUsage: options.extendedKeyUsage,
    extensions: options.extensions ?? [],
  }
  const bytes = certificateDer(fields, options.signWith ?? issuer?.key ?? key)
  let parsed: Certificate | undefined
  const self: FakeIdentity = {
    commonName,
    key,
    der: bytes,
    pem: fakePem('CERTIFICATE', bytes),
    get certificate() {
      return (parsed ??= parseCertificate(bytes))
    },
    issue: (wanted = {}) => identity(wanted, self),
    crl: (wanted) => crlDer(self, wanted),
    ocsp: (certificate, wanted) => ocspDer(self, certificate, wanted),
  }
  return self
}

/** {@link derToPem}, the label first. */
export function fakePem(label: string, bytes: Uint8Array): string {
  return derToPem(bytes, label)
}
