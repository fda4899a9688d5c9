import { crypto } from '@sotto/protocol/crypto-backend'
import { EXTENSION, KEY_USAGE, parseCertificate, type Certificate } from '@sotto/protocol/x509'
import { derWriter, FAKE_NOW, type FakeExtension, fakePem } from '../x509/index.ts'
import { type FakeRsaKey, fakeRsaKey } from './rsa.ts'

const { bits, boolean, explicit, integer, name, namedBits, nothing, octets, oid, sequence, time } = derWriter

/** sha256WithRSAEncryption. */
const ALGORITHM = sequence(oid('1.2.840.113549.1.1.11'), nothing())
/** tcg-kp-AIKCertificate. */
const AIK_PURPOSE = '2.23.133.8.3'
const YEAR = 31_536_000

/** What a certificate of an attestation key says where that is not the usual. */
export interface FakeAkOptions {
  key?: FakeRsaKey
  notBefore?: number
  notAfter?: number
  /** `null` leaves them out. */
  purposes?: readonly string[] | null
  /** Common name. Default one of a confidential machine. */
  subject?: string
  extensions?: readonly FakeExtension[]
}

/** A Microsoft of one's own for virtual TPMs: root and intermediate. */
export interface FakeVtpmAuthority {
  root: Certificate
  /** DER. */
  intermediate: Uint8Array
  /** PEM of intermediate and root. */
  chain: string
  /** Certificate of an attestation key, DER. */
  certify(key: FakeRsaKey, options?: FakeAkOptions): Uint8Array
}

interface Names {
  issuer: string
  subject: string
}

/** Makes root and intermediate; takes some 200 ms for their keys. */
export function fakeVtpmAuthority(): FakeVtpmAuthority {
  const [rootKey, key] = [fakeRsaKey(), fakeRsaKey()]
  const [rootName, issuerName] = ['Fake Virtual TPM Root', 'Fake Virtual TPM CA']
  const authority: FakeExtension[] = [
    { oid: EXTENSION.basicConstraints, critical: true, value: sequence(boolean(true)) },
    { oid: EXTENSION.keyUsage, critical: true, value: namedBits(KEY_USAGE.keyCertSign) },
  ]
  const root = certificate({ issuer: rootName, subject: rootName }, rootKey, rootKey, authority)
  const intermediate = certificate({ issuer: rootName, subject: issuerName }, key, rootKey, authority)
  return {
    root: parseCertificate(root),
    intermediate,
    chain: fakePem('CERTIFICATE', intermediate) + fakePem('CERTIFICATE', root),
    certify(akKey, options = {}) {
      const { purposes = [AIK_PURPOSE], extensions = [], key: other = akKey, ...rest } = options
      const { subject = 'fake.ConfidentialVM.Azure.windows.net', ...dates } = rest
      const usage: FakeExtension[] =
        purposes === null ? [] : [{ oid: EXTENSION.extendedKeyUsage, value: sequence(...purposes.map(oid)) }]
      const names = { issuer: issuerName, subject }
      return certificate(names, other, key, [...usage, ...extensions], dates)
    },
  }
}

function certificate(
  { issuer, subject }: Names,
  key: FakeRsaKey,
  signer: FakeRsaKey,
  extensions: readonly FakeExtension[],
  { notBefore = FAKE_NOW - YEAR, notAfter = FAKE_NOW + YEAR }: { notBefore?: number; notAfter?: number } = {},
): Uint8Array {
  const tbs = sequence(
    explicit(0, integer(Uint8Array.of(2))),
    integer(crypto.randomBytes(8)),
    ALGORITHM,
    name(issuer),
    sequence(time(notBefore), time(notAfter)),
    name(subject),
    key.spki,
    ...(extensions.length > 0 ? [explicit(3, sequence(...extensions.map(extension)))] : []),
  )
  return sequence(tbs, ALGORITHM, bits(signer.sign(tbs)))
}

function extension({ oid: id, critical = false, value }: FakeExtension): Uint8Array {
  return sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value))
}
