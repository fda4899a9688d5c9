import { toBase64, utf8 } from '@sotto/protocol/bytes'
import { type Certificate, KEY_USAGE, parseCertificate } from '@sotto/protocol/x509'
import { FAKE_NOW, fakePem } from '../x509/index.ts'
import { type FakeRsaKey, fakeRsaKey, rsaCertificate, type RsaCertificateOptions, signJws } from './rsa.ts'

/** What is different from a genuine token. */
export interface FakeSpaceTokenOptions {
  header?: Readonly<Record<string, unknown>>
  /** Claims besides the genuine ones; `undefined` leaves one out. */
  claims?: Readonly<Record<string, unknown>>
  /** Claims about the container and the system image; `undefined` leaves one out. */
  submods?: Readonly<Record<string, unknown>>
  /** Signs with another key. */
  key?: FakeRsaKey
}

/** A verifier of Confidential Space with a root of its own. */
export interface FakeConfidentialSpace {
  /** What to pin instead of the root of Google. */
  readonly roots: readonly Certificate[]
  readonly rootPem: string
  readonly root: { key: FakeRsaKey; commonName: string; der: Uint8Array }
  readonly intermediate: { key: FakeRsaKey; commonName: string; der: Uint8Array }
  readonly key: FakeRsaKey
  readonly leaf: Uint8Array
  /** Another certificate of the signing key, in base64 as headers have it. */
  certify(options: Partial<RsaCertificateOptions>): string
  /** Leaf, intermediate and root in base64. */
  readonly x5c: readonly string[]
  /** A token of Confidential Space in its PKI form. */
  token(options?: FakeSpaceTokenOptions): Uint8Array
  /** A token in the form of OpenID Connect, with the key set that verifies it. */
  openIdToken(options?: FakeSpaceTokenOptions): Uint8Array
  readonly jwks: Uint8Array
}

/** Starts the verifier. Tokens are of {@link FAKE_NOW}, about a production image on confidential hardware. */
export function fakeConfidentialSpace(): FakeConfidentialSpace {
  const authority = { ca: true, keyUsage: KEY_USAGE.keyCertSign | KEY_USAGE.cRLSign }
  const [rootKey, intermediateKey, key] = [fakeRsaKey(), fakeRsaKey(), fakeRsaKey()]
  const rootName = 'Fake Confidential Space Root CA'
  const intermediateName = 'Fake Confidential Space Intermediate CA'
  const rootDer = rsaCertificate({ ...authority, key: rootKey, commonName: rootName })
  const root = { key: rootKey, commonName: rootName, der: rootDer }
  const intermediateDer = rsaCertificate({
    ...authority,
    key: intermediateKey,
    commonName: intermediateName,
    issuer: root,
  })
  const intermediate = { key: intermediateKey, commonName: intermediateName, der: intermediateDer }
  const leafOptions = { key, commonName: 'Fake Confidential Space Leaf Certificate', issuer: intermediate }
  const leaf = rsaCertificate(leafOptions)
  const x5c = [leaf, intermediateDer, rootDer].map(toBase64)
  const kid = 'fake-kid'
  const token = (header: Record<string, unknown>, options: FakeSpaceTokenOptions = {}): Uint8Array =>
    signJws(
      options.key ?? key,
      { alg: 'RS256', kid, typ: 'JWT', ...header, ...options.header },
      { ...spaceClaims(options.submods), ...options.claims },
    )
  return {
    roots: [parseCertificate(rootDer)],
    rootPem: fakePem('CERTIFICATE', rootDer),
    root,
    intermediate,
    key,
    leaf,
    certify: (options) => toBase64(rsaCertificate({ ...leafOptions, ...options })),
    x5c,
    token: (options) => token({ x5c }, options),
    openIdToken: (options) => token({}, options),
    jwks: utf8(JSON.stringify({ keys: [{ ...key.jwk, kid, alg: 'RS256', use: 'sig' }] })),
  }
}

function spaceClaims(submods: FakeSpaceTokenOptions['submods'] = {}): Record<string, unknown> {
  return {
    iss: 'https://confidentialcomputing.googleapis.com',
    aud: 'https://verifier.example',
    sub: 'https://www.googleapis.com/compute/v1/projects/p/zones/z/instances/i',
    iat: FAKE_NOW,
    nbf: FAKE_NOW,
    exp: FAKE_NOW + 3600,
    eat_nonce: 'a nonce of the test',
    secboot: true,
    oemid: 11129,
    hwmodel: 'GCP_INTEL_TDX',
    swname: 'CONFIDENTIAL_SPACE',
    swversion: ['250301'],
    dbgstat: 'disabled-since-boot',
    submods: {
      confidential_space: { support_attributes: ['LATEST', 'STABLE', 'USABLE'] },
      container: {
        image_reference: 'registry.example/app:latest',
        image_digest: `sha256:${'ab'.repeat(32)}`,
        restart_policy: 'Never',
        image_id: `sha256:${'cd'.repeat(32)}`,
        env: {},
        args: ['/app'],
      },
      gce: { project_id: 'p', project_number: '1', zone: 'z', instance_id: '2', instance_name: 'i' },
      ...submods,
    },
  }
}
