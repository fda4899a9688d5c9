import { isIP } from 'node:net'
import { concat, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import {
  bits,
  boolean,
  der,
  ecdsaDer,
  explicit,
  integer,
  name,
  namedBits,
  octets,
  oid,
  sequence,
  time,
} from '@sotto/protocol/der-write'
import { derToPem, EXTENSION, KEY_USAGE } from '@sotto/protocol/x509'

const EC_PUBLIC_KEY = '1.2.840.10045.2.1'
const SECP384R1 = '1.3.132.0.34'
const ECDSA_WITH_SHA384 = '1.2.840.10045.4.3.3'
const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17'

/** A key on P-384. Its private half never leaves this process. */
export interface P384Key {
  privateKey: Uint8Array
  /** Uncompressed point. */
  publicKey: Uint8Array
}

/** What a certificate says. */
export interface CertificateContent {
  subject: string
  key: P384Key
  /** Unix seconds. */
  notBefore: number
  notAfter: number
  /** What this host is called; absent for an authority. */
  names?: readonly string[]
}

/** Makes an X.509 v3 certificate (RFC 5280) on P-384: with `names` one of a host or a signer, without an authority. */
export function writeCertificate(
  content: CertificateContent,
  issuer: { subject: string; key: P384Key },
): Uint8Array {
  const { subject, key, notBefore, notAfter, names } = content
  const algorithm = sequence(oid(ECDSA_WITH_SHA384))
  const tbs = sequence(
    explicit(0, integer(Uint8Array.of(2))),
    integer(crypto.randomBytes(16)),
    algorithm,
    name(issuer.subject),
    sequence(time(notBefore), time(notAfter)),
    name(subject),
    sequence(sequence(oid(EC_PUBLIC_KEY), oid(SECP384R1)), bits(key.publicKey)),
    explicit(3, sequence(...extensionsOf(names))),
  )
  const signer = crypto.ecdsa.importPrivate('P-384', 'sha384', issuer.key.privateKey)
  return sequence(tbs, algorithm, bits(ecdsaDer(signer.sign(tbs))))
}

/** SEC 1 of a private key (RFC 5915): a secret, for the TLS server of this process. */
export function privateKeyPem({ privateKey, publicKey }: P384Key): string {
  return derToPem(
    sequence(
      integer(Uint8Array.of(1)),
      octets(privateKey),
      explicit(0, oid(SECP384R1)),
      explicit(1, bits(publicKey)),
    ),
    'EC PRIVATE KEY',
  )
}

function extensionsOf(names: readonly string[] | undefined): Uint8Array[] {
  const isAuthority = names === undefined
  const usage = isAuthority ? KEY_USAGE.keyCertSign : KEY_USAGE.digitalSignature
  return [
    extension(EXTENSION.basicConstraints, true, sequence(...(isAuthority ? [boolean(true)] : []))),
    extension(EXTENSION.keyUsage, true, namedBits(usage)),
    ...(isAuthority || names.length === 0
      ? []
      : [extension(SUBJECT_ALTERNATIVE_NAME, false, sequence(...names.map(generalName)))]),
  ]
}

function extension(id: string, isCritical: boolean, value: Uint8Array): Uint8Array {
  return sequence(oid(id), ...(isCritical ? [boolean(true)] : []), octets(value))
}

/** dNSName or iPAddress (RFC 5280 Section 4.2.1.6). Of IPv6 addresses only loopback is one that we write. */
function generalName(host: string): Uint8Array {
  const version = isIP(host)
  if (version === 4) return der(0x87, Uint8Array.from(host.split('.').map(Number)))
  if (version === 6) return der(0x87, concat(new Uint8Array(15), Uint8Array.of(1)))
  return der(0x82, utf8(host))
}
