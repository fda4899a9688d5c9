import { crypto } from '@sotto/protocol/crypto-backend'
import { EXTENSION } from '@sotto/protocol/x509'
import {
  bits,
  boolean,
  explicit,
  integer,
  name,
  namedBits,
  octets,
  oid,
  sequence,
  time,
} from './der-writer.ts'
import type { FakeCurve, FakeKey } from './key.ts'

/** One extension to write. */
export interface FakeExtension {
  oid: string
  critical?: boolean
  /** DER of the extension's own type. */
  value: Uint8Array
}

/** Everything that a certificate says. */
export interface CertificateFields {
  serialNumber: Uint8Array
  issuer: string
  subject: string
  notBefore: number
  notAfter: number
  key: FakeKey
  ca: boolean | null
  pathLength: number | undefined
  keyUsage: number | null
  extendedKeyUsage: readonly string[] | undefined
  extensions: readonly FakeExtension[]
}

const CURVES: Record<FakeCurve, string> = { 'P-256': '1.2.840.10045.3.1.7', 'P-384': '1.3.132.0.34' }

/** AlgorithmIdentifier of what {@link FakeKey} signs with. */
export function signatureAlgorithm(key: FakeKey): Uint8Array {
  return sequence(oid(key.curve === 'P-256' ? '1.2.840.10045.4.3.2' : '1.2.840.10045.4.3.3'))
}

export function extension({ oid: id, critical = false, value }: FakeExtension): Uint8Array {
  return sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value))
}

/** An X.509 v3 certificate, signed with a key. */
export function certificateDer(fields: CertificateFields, signer: FakeKey): Uint8Array {
  const algorithm = signatureAlgorithm(signer)
  const tbs = sequence(
    explicit(0, integer(Uint8Array.of(2))),
    integer(fields.serialNumber),
    algorithm,
    name(fields.issuer),
    sequence(time(fields.notBefore), time(fields.notAfter)),
    name(fields.subject),
    sequence(sequence(oid('1.2.840.10045.2.1'), oid(CURVES[fields.key.curve])), bits(fields.key.publicKey)),
    explicit(3, sequence(...extensionsOf(fields).map(extension))),
  )
  return signed(tbs, algorithm, signer)
}

/** `SEQUENCE { tbs, algorithm, signature }`: certificates, CRLs and basic OCSP responses start so. */
export function signed(
  tbs: Uint8Array,
  algorithm: Uint8Array,
  signer: FakeKey,
  ...more: Uint8Array[]
): Uint8Array {
  return sequence(tbs, algorithm, bits(signer.sign(tbs)), ...more)
}

function extensionsOf(fields: CertificateFields): FakeExtension[] {
  const { ca, pathLength, keyUsage, extendedKeyUsage } = fields
  const constraints = [
    ...(ca === true ? [boolean(true)] : []),
    ...(pathLength !== undefined ? [integer(Uint8Array.of(pathLength))] : []),
  ]
  // Any stable name of the key will do; nothing decides by it.
  const keyIdentifier = crypto.sha256(fields.key.publicKey).slice(0, 20)
  return [
    { oid: EXTENSION.subjectKeyIdentifier, value: octets(keyIdentifier) },
    ...(ca === null
      ? []
      : [{ oid: EXTENSION.basicConstraints, critical: true, value: sequence(...constraints) }]),
    ...(keyUsage === null ? [] : [{ oid: EXTENSION.keyUsage, critical: true, value: namedBits(keyUsage) }]),
    ...(extendedKeyUsage === undefined
      ? []
      : [{ oid: EXTENSION.extendedKeyUsage, value: sequence(...extendedKeyUsage.map(oid)) }]),
    ...fields.extensions,
  ]
}
