import { concat, toBase64, toBase64Url, toHex, uint, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { FAKE_NOW, fakePem } from '../x509/index.ts'
import { type FakeRsaKey, fakeRsaKey, rsaCertificate, type RsaCertificateOptions, signJws } from './rsa.ts'

/** Extension of a signing certificate with the evidence of its enclave. */
const ENCLAVE_EVIDENCE = '1.3.6.1.4.1.311.105.1'

/** What is different from a genuine token. */
export interface FakeMaaTokenOptions {
  header?: Readonly<Record<string, unknown>>
  /** Claims besides the genuine ones; `undefined` leaves one out. */
  claims?: Readonly<Record<string, unknown>>
  /** Signs with another key. */
  key?: FakeRsaKey
}

/** A provider of attestation tokens in the form of Azure Attestation. */
export interface FakeMaa {
  readonly issuer: string
  readonly kid: string
  readonly key: FakeRsaKey
  /** Certificate of the key as the provider publishes it. */
  readonly certificate: Uint8Array
  /** A certificate of the same key that says something else. */
  certify(options: Partial<RsaCertificateOptions>): Uint8Array
  /** The key set; `members` are added to its one key. */
  jwks(members?: Readonly<Record<string, unknown>>): Uint8Array
  token(options?: FakeMaaTokenOptions): Uint8Array
}

/** Runtime data that genuine tokens hold. */
export const FAKE_RUNTIME_DATA: Uint8Array = utf8('{"jwk":{}}')

/** Starts a provider. Tokens are of {@link FAKE_NOW}, about an SGX enclave that cannot be debugged. */
export function fakeMaa(issuer: string = 'https://fake.eus.attest.azure.net'): FakeMaa {
  const key = fakeRsaKey()
  const kid = toBase64(keyDigest(key.spki))
  const extensions = [{ oid: ENCLAVE_EVIDENCE, value: fakeEnclaveEvidence(key.spki) }]
  const certify = (options: Partial<RsaCertificateOptions>): Uint8Array =>
    rsaCertificate({ key, commonName: issuer, extensions, ...options })
  const certificate = certify({})
  return {
    issuer,
    kid,
    key,
    certificate,
    certify,
    jwks: (members = {}) =>
      utf8(JSON.stringify({ keys: [{ kid, kty: 'RSA', x5c: [toBase64(certificate)], ...members }] })),
    token: ({ header = {}, claims = {}, key: signer = key } = {}) =>
      signJws(
        signer,
        { alg: 'RS256', jku: `${issuer}/certs`, kid, typ: 'JWT', ...header },
        { ...sgxClaims(issuer), ...claims },
      ),
  }
}

function sgxClaims(issuer: string): Record<string, unknown> {
  const reportData = concat(crypto.sha256(FAKE_RUNTIME_DATA), new Uint8Array(32))
  return {
    iss: issuer,
    iat: FAKE_NOW,
    nbf: FAKE_NOW,
    exp: FAKE_NOW + 28_800,
    'x-ms-ver': '1.0',
    'x-ms-attestation-type': 'sgx',
    'x-ms-policy-hash': 'bROrN897ZfWmWY2V0FLUlu3uwk5xatGnKYHn3zBbSlw',
    'x-ms-sgx-is-debuggable': false,
    'x-ms-sgx-mrenclave': 'ab'.repeat(32),
    'x-ms-sgx-mrsigner': 'cd'.repeat(32),
    'x-ms-sgx-product-id': 1,
    'x-ms-sgx-svn': 2,
    'x-ms-sgx-report-data': toHex(reportData),
    'x-ms-sgx-ehd': toBase64Url(FAKE_RUNTIME_DATA),
  }
}

/** Claims about an SNP guest, which replace those about an enclave. */
export const SNP_CLAIMS: Readonly<Record<string, unknown>> = {
  'x-ms-attestation-type': 'sevsnpvm',
  'x-ms-sgx-is-debuggable': undefined,
  'x-ms-sgx-mrenclave': undefined,
  'x-ms-sgx-mrsigner': undefined,
  'x-ms-sgx-product-id': undefined,
  'x-ms-sgx-svn': undefined,
  'x-ms-sgx-report-data': undefined,
  'x-ms-sgx-ehd': undefined,
  'x-ms-compliance-status': 'azure-compliant-uvm',
  'x-ms-sevsnpvm-is-debuggable': false,
  'x-ms-sevsnpvm-migration-allowed': false,
  'x-ms-sevsnpvm-vmpl': 0,
  'x-ms-sevsnpvm-launchmeasurement': 'ab'.repeat(48),
  'x-ms-sevsnpvm-hostdata': 'cd'.repeat(32),
  'x-ms-sevsnpvm-reportdata': '01'.repeat(64),
}

/** Evidence about a key: a header, then a quote of which only the report body says anything. */
export function fakeEnclaveEvidence(spki: Uint8Array): Uint8Array {
  const quote = new Uint8Array(1000)
  quote[0] = 3
  quote.set(new Uint8Array(32).fill(0xe1), 48 + 64)
  quote.set(new Uint8Array(32).fill(0x51), 48 + 128)
  quote[48 + 258] = 7
  quote.set(keyDigest(spki), 48 + 320)
  const littleEndian = (value: number, bytes: number): Uint8Array => uint(value, bytes).toReversed()
  return concat(littleEndian(1, 4), littleEndian(2, 4), littleEndian(quote.length, 8), quote)
}

function keyDigest(spki: Uint8Array): Uint8Array {
  return crypto.sha256(utf8(fakePem('PUBLIC KEY', spki)), Uint8Array.of(0))
}
