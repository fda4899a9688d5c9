import { constants, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { derWriter, FAKE_NOW } from '../x509/index.ts'

const { bits, boolean, explicit, integer, name, namedBits, nothing, octets, oid, sequence, time } = derWriter

/** An RSA key and what it writes. */
export interface FakeRsaKey {
  /** DER of SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  /** Members `kty`, `n` and `e` of a JWK. */
  readonly jwk: Readonly<Record<string, string>>
  /** RSASSA-PKCS1-v1_5 (`RS`) or RSASSA-PSS (`PS`) by its JWS name; a name that is no algorithm gives nothing. */
  sign(alg: string, message: Uint8Array): Uint8Array
}

/** A new key of 2048 bits. */
export function fakeRsaKey(): FakeRsaKey {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const { kty, n, e } = createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })).export({
    format: 'jwk',
  })
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
  return {
    spki: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })),
    jwk: { kty: kty!, n: n!, e: e! },
    sign(alg, message) {
      if (!/^[RP]S(256|384|512)$/.test(alg)) return new Uint8Array(0)
      const options = { key: privateKey, ...(alg.startsWith('PS') && pss) }
      return new Uint8Array(sign(`sha${alg.slice(2)}`, message, options))
    },
  }
}

/** What a certificate of an RSA key says. */
export interface RsaCertificateOptions {
  key: FakeRsaKey
  commonName: string
  /** Who signs; itself when left out. */
  issuer?: { key: FakeRsaKey; commonName: string }
  notBefore?: number
  notAfter?: number
  ca?: boolean
  pathLength?: number
  /** Bits of KEY_USAGE; no extension when left out. */
  keyUsage?: number
  extensions?: readonly { oid: string; critical?: boolean; value: Uint8Array }[]
}

/** An X.509 v3 certificate, signed with SHA-256. */
export function rsaCertificate(options: RsaCertificateOptions): Uint8Array {
  const { key, commonName, issuer = { key, commonName }, ca = false, pathLength, keyUsage } = options
  const algorithm = sequence(oid('1.2.840.113549.1.1.11'), nothing())
  const constraints = [
    ...(ca ? [boolean(true)] : []),
    ...(pathLength === undefined ? [] : [integer(Uint8Array.of(pathLength))]),
  ]
  const extensions = [
    { oid: '2.5.29.19', critical: true, value: sequence(...constraints) },
    ...(keyUsage === undefined ? [] : [{ oid: '2.5.29.15', critical: true, value: namedBits(keyUsage) }]),
    ...(options.extensions ?? []),
  ].map(({ oid: id, critical = false, value }) =>
    sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value)),
  )
  const tbs = sequence(
    explicit(0, integer(Uint8Array.of(2))),
    integer(crypto.getRandomValues(new Uint8Array(16))),
    algorithm,
    name(issuer.commonName),
    sequence(time(options.notBefore ?? FAKE_NOW - 86_400), time(options.notAfter ?? FAKE_NOW + 86_400)),
    name(commonName),
    key.spki,
    explicit(3, sequence(...extensions)),
  )
  return sequence(tbs, algorithm, bits(issuer.key.sign('RS256', tbs)))
}

/** A compact JWS (RFC 7515). `header.alg` decides how it is signed. */
export function signJws(
  key: FakeRsaKey,
  header: Readonly<Record<string, unknown>> & { alg: string },
  payload: unknown,
): Uint8Array {
  const part = (value: unknown): string =>
    toBase64Url(utf8(typeof value === 'string' ? value : JSON.stringify(value)))
  const signed = `${part(header)}.${part(payload)}`
  return utf8(`${signed}.${toBase64Url(key.sign(header.alg, utf8(signed)))}`)
}
