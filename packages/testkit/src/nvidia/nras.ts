import { toBase64, toBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { FAKE_NOW, type FakeIdentity } from '../x509/index.ts'

/** What is different from a genuine answer. */
export interface FakeTokenOptions {
  /** Claims of the overall token; `undefined` leaves one out. */
  overall?: Readonly<Record<string, unknown>>
  /** Claims of each detached token; as many as there are devices. Default one. */
  devices?: readonly Readonly<Record<string, unknown>>[]
  header?: Readonly<Record<string, unknown>>
  /** Signs with this key. */
  signWith?: FakeIdentity
  /** Changes the detached tokens after the overall one was signed. */
  editDetached?: (tokens: string[]) => string[]
  /** What the service is asked, 32 bytes in hexadecimal. */
  nonce?: string
  /** As other suites store it: the tokens alone in a list. */
  flat?: boolean
}

/** NVIDIA's Remote Attestation Service with a key of its own. */
export interface FakeNras {
  key: FakeIdentity
  /** Its keys with certificates. */
  jwks: Uint8Array
  /** Its keys without. */
  bareJwks: Uint8Array
  token(options?: FakeTokenOptions): Uint8Array
}

const KID = 'fake-eat-kid'
const ISSUER = 'https://nras.attestation.nvidia.com'
const NONCE = '11'.repeat(32)

/** Starts a service whose key this authority certified. */
export function makeNras(authority: FakeIdentity): FakeNras {
  const key = authority.issue({ commonName: 'Fake NRAS GH100', curve: 'P-384' })
  const point = key.key.publicKey
  const jwk = {
    kty: 'EC',
    crv: 'P-384',
    kid: KID,
    alg: 'ES384',
    use: 'sig',
    x: toBase64Url(point.subarray(1, 49)),
    y: toBase64Url(point.subarray(49)),
  }
  const keySet = (more: object): Uint8Array => utf8(JSON.stringify({ keys: [{ ...jwk, ...more }] }))
  return {
    key,
    jwks: keySet({ x5c: [key, authority].map(({ der }) => toBase64(der)) }),
    bareJwks: keySet({}),
    token: (options = {}) => writeToken(options, options.signWith ?? key),
  }
}

function writeToken(options: FakeTokenOptions, signer: FakeIdentity): Uint8Array {
  const header = { alg: 'ES384', kid: KID, ...options.header }
  const times = { iat: FAKE_NOW, nbf: FAKE_NOW, exp: FAKE_NOW + 3600 }
  const devices = options.devices ?? [{}]
  const nonce = options.nonce ?? NONCE
  const detached = devices.map((claims, i) =>
    signToken(header, { iss: ISSUER, eat_nonce: nonce, ...times, ...gpuClaims(i), ...claims }, signer),
  )
  const submods = Object.fromEntries(
    detached.map((token, i) => [`GPU-${i}`, ['DIGEST', ['SHA-256', toHex(crypto.sha256(utf8(token)))]]]),
  )
  const claims = {
    sub: 'NVIDIA-PLATFORM-ATTESTATION',
    iss: ISSUER,
    eat_nonce: nonce,
    'x-nvidia-ver': '3.0',
    'x-nvidia-overall-att-result': true,
    submods,
    ...times,
    ...options.overall,
  }
  const overall = signToken(header, claims, signer)
  const tokens = options.editDetached?.(detached) ?? detached
  const bundle = options.flat
    ? [overall, ...tokens]
    : [['JWT', overall], Object.fromEntries(tokens.map((token, i) => [`GPU-${i}`, token]))]
  return utf8(JSON.stringify(bundle))
}

function signToken(header: object, claims: object, signer: FakeIdentity): string {
  const signed = [header, claims].map((part) => toBase64Url(utf8(JSON.stringify(part)))).join('.')
  const signature = crypto.ecdsa.importPrivate('P-384', 'sha384', signer.key.privateKey).sign(utf8(signed))
  return `${signed}.${toBase64Url(signature)}`
}

/** Claims of version 3 about a GPU in order. */
function gpuClaims(i: number): Record<string, unknown> {
  const chain = { 'x-nvidia-cert-status': 'valid', 'x-nvidia-cert-ocsp-status': 'good' }
  const prefix = 'x-nvidia-gpu-'
  const rims = ['driver-rim', 'vbios-rim'].flatMap((rim) =>
    ['fetched', 'schema-validated', 'signature-verified', 'version-match', 'measurements-available'].map(
      (claim) => `${rim}-${claim}`,
    ),
  )
  const report = ['cert-chain-fwid-match', 'nonce-match', 'parsed', 'signature-verified'].map(
    (claim) => `attestation-report-${claim}`,
  )
  return {
    hwmodel: 'GH100 A01 GSP BROM',
    ueid: `${1000 + i}`,
    oemid: '5703',
    measres: 'success',
    secboot: true,
    dbgstat: 'disabled',
    'x-nvidia-attestation-warning': null,
    [`${prefix}driver-version`]: '550.90.07',
    [`${prefix}vbios-version`]: '96.00.9F.00.01',
    ...Object.fromEntries(
      ['arch-check', 'vbios-index-no-conflict', ...report, ...rims].map((claim) => [prefix + claim, true]),
    ),
    ...Object.fromEntries(
      ['attestation-report', 'driver-rim', 'vbios-rim'].map((name) => [`${prefix}${name}-cert-chain`, chain]),
    ),
  }
}
