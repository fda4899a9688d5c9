import { describe, expect, it } from 'vitest'
import { toBase64, utf8 } from '@sotto/protocol/bytes'
import { KEY_USAGE } from '@sotto/protocol/x509'
import { fakeRsaKey, type FakeSpaceTokenOptions, rsaCertificate } from '@sotto/testkit/tokens'
import { FAKE_NOW } from '@sotto/testkit/x509'
import type { EvidenceInput, EvidenceVerdict } from '@sotto/verifier/family'
import {
  type ConfidentialSpacePolicy,
  confidentialSpacePolicyDecoder,
  verifyConfidentialSpace,
} from '@sotto/verifier/gcp'
import { failed, google, judge } from './fake-google-token.ts'

const stranger = fakeRsaKey()

describe('a genuine token', () => {
  it('is accepted, and says whom one trusts and until when', () => {
    expect(judge()).toMatchObject({
      family: 'gcp-confidential-space',
      authentic: true,
      acceptable: true,
      reason: null,
      validUntil: FAKE_NOW + 3599,
      fields: { signature: 'True', chain_to_root: true, x5c: 3, hwmodel: 'GCP_INTEL_TDX' },
      trustedParties: [expect.stringContaining('Google'), expect.any(String)],
    })
  })

  it('is not accepted under the root of Google when another wrote it', () => {
    const verdict = verifyConfidentialSpace({ evidence: google.token(), collateral: {}, at: FAKE_NOW })
    expect(failed(verdict)).toEqual({ chain: 'chain' })
    expect(verdict.fields).toMatchObject({ signature: 'True', chain_to_root: false })
  })

  it.each(['none', 'HS256', 'PS256', 'RS512', 'ES256'])('is refused under the algorithm %s', (alg) => {
    const verdict = judge({ header: { alg } })
    expect(verdict).toMatchObject({ authentic: false, reason: 'algorithm', fields: { signature: 'False' } })
    expect(failed(verdict)).toEqual({ algorithm: 'algorithm', signature: 'signature' })
  })

  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array(0)],
    ['text', utf8('token')],
    ['a space before it', utf8(` ${new TextDecoder().decode(google.token())}`)],
    ['an audience that is a number', google.token({ claims: { aud: 1 } })],
    ['nonces that are numbers', google.token({ claims: { eat_nonce: [1] } })],
    ['seventeen nonces', google.token({ claims: { eat_nonce: Array(17).fill('n') } })],
    [
      'attributes that are no texts',
      google.token({ submods: { confidential_space: { support_attributes: [{}] } } }),
    ],
    ['a time in text', google.token({ claims: { iat: '1' } })],
    ['no certificates in x5c', google.token({ header: { x5c: [] } })],
    ['a critical header', google.token({ header: { crit: ['exp'] } })],
    ['too many bytes', utf8('a'.repeat(70_000))],
  ])('is malformed with %s', (_what, evidence) => {
    expect(judge({}, { evidence })).toMatchObject({
      authentic: false,
      acceptable: false,
      reason: 'malformed',
    })
  })
})

describe('the chain', () => {
  const { x5c, root, intermediate } = google
  const [leaf, middle, top] = x5c as [string, string, string]
  const chained = (...certificates: string[]): Record<string, string | undefined> =>
    failed(judge({ header: { x5c: certificates } }))

  it('leads to the pinned root, given or not', () => {
    expect(chained(leaf, middle, top)).toEqual({})
    expect(chained(leaf, middle)).toEqual({})
    expect(chained(leaf)).toEqual({ chain: 'chain' })
    expect(chained(leaf, top)).toEqual({ chain: 'chain' })
    expect(chained(leaf, middle, middle, top)).toEqual({ chain: 'chain' })
  })

  it('does not end in a root of the same name, nor in the key itself', () => {
    const own = { key: stranger, commonName: root.commonName }
    const namesake = rsaCertificate({ ...own, ca: true, keyUsage: KEY_USAGE.keyCertSign })
    const forged = google.certify({ issuer: own })
    expect(chained(forged, toBase64(namesake))).toEqual({ chain: 'chain' })
    expect(chained(toBase64(rsaCertificate({ key: google.key, commonName: 'self' })))).toEqual({
      chain: 'chain',
    })
    expect(chained(forged, middle, top)).toEqual({ chain: 'chain' })
  })

  it('certifies the key that signed', () => {
    const other = google.certify({ key: stranger })
    expect(chained(other, middle, top)).toEqual({ signature: 'signature' })
    expect(failed(judge({ key: stranger }))).toEqual({ signature: 'signature' })
  })

  it('begins with a certificate that signs tokens', () => {
    expect(chained(google.certify({ keyUsage: KEY_USAGE.digitalSignature }), middle)).toEqual({})
    expect(chained(google.certify({ keyUsage: KEY_USAGE.keyCertSign }), middle)).toEqual({ chain: 'chain' })
    expect(chained(google.certify({ ca: true }), middle)).toEqual({ chain: 'chain' })
    const authority = judge({ key: intermediate.key, header: { x5c: [middle, top] } })
    expect(failed(authority)).toEqual({ chain: 'chain' })
  })

  it('is valid now', () => {
    const dated = (notBefore: number, notAfter: number): EvidenceVerdict =>
      judge({ header: { x5c: [google.certify({ notBefore, notAfter }), middle, top] } })
    expect(dated(FAKE_NOW - 10, FAKE_NOW + 10)).toMatchObject({ acceptable: true, validUntil: FAKE_NOW + 10 })
    expect(failed(dated(FAKE_NOW - 10, FAKE_NOW - 1))).toEqual({ chain: 'expired' })
    expect(failed(dated(FAKE_NOW + 1, FAKE_NOW + 10))).toEqual({ chain: 'expired' })
  })

  it('is malformed with a certificate that is none', () => {
    expect(chained('AAAA', middle, top)).toEqual({ 'signing-key': 'malformed' })
  })
})

describe('a token in the form of OpenID Connect', () => {
  const judged = (
    input: Partial<EvidenceInput<ConfidentialSpacePolicy>> = {},
    options: FakeSpaceTokenOptions = {},
  ): EvidenceVerdict =>
    judge(
      {},
      {
        evidence: google.openIdToken(options),
        collateral: { keys: google.jwks },
        trustKeySets: true,
        ...input,
      },
    )

  it('is verified with the given key set where the caller vouches for it', () => {
    expect(judged()).toMatchObject({ acceptable: true, fields: { x5c: null, chain_to_root: false } })
    expect(judged().trustedParties.join()).toContain('whoever fetched the key set')
    expect(failed(judged({ trustKeySets: false }))).toEqual({ chain: 'chain' })
    expect(failed(judged({ collateral: {} }))).toEqual({
      'signing-key': 'issuer',
      'key-set': 'collateral-missing',
    })
  })

  it('names a key of that set', () => {
    expect(failed(judged({}, { header: { kid: 'other' } }))).toEqual({ 'signing-key': 'issuer' })
    expect(failed(judged({}, { key: stranger }))).toEqual({ signature: 'signature' })
    expect(failed(judged({}, { key: stranger, header: { jwk: stranger.jwk } }))).toEqual({
      signature: 'signature',
    })
    const empty = utf8(JSON.stringify({ keys: [{ kid: 'fake-kid', kty: 'RSA' }] }))
    expect(failed(judged({ collateral: { empty } }))).toEqual({ 'signing-key': 'collateral-invalid' })
  })

  it('does not make a chain of its own unnecessary', () => {
    const x5c = [toBase64(rsaCertificate({ key: google.key, commonName: 'self' }))]
    expect(failed(judged({}, { header: { x5c } }))).toEqual({ chain: 'chain' })
  })
})

it('accepts the root and one key set beside the token, and nothing else', () => {
  const beside = (...pieces: Uint8Array[]): Record<string, string | undefined> =>
    failed(judge({}, { collateral: Object.fromEntries(pieces.map((piece, index) => [`${index}`, piece])) }))
  expect(beside(utf8(google.rootPem), google.root.der, google.jwks)).toEqual({})
  for (const piece of [utf8('garbage'), utf8('{}'), google.leaf, google.intermediate.der, new Uint8Array(0)])
    expect(beside(piece)).toEqual({ collateral: 'collateral-invalid' })
  expect(beside(google.jwks, google.jwks)).toEqual({ collateral: 'collateral-invalid' })
})

it('reads a policy as it was written, and no other', () => {
  const policy = {
    audiences: ['a'],
    hwmodels: ['GCP_INTEL_TDX'],
    imageDigests: [`sha256:${'ab'.repeat(32)}`],
  }
  expect(confidentialSpacePolicyDecoder(policy, 'policy')).toEqual(policy)
  for (const wrong of [
    { audience: 'a' },
    { audiences: [] },
    { hwmodels: ['GCP_SHIELDED_VM'] },
    { imageDigests: ['ab'.repeat(32)] },
    { supportAttributes: ['EXPERIMENTAL'] },
    { acceptKeySet: true },
    [],
  ])
    expect(() => confidentialSpacePolicyDecoder(wrong, 'policy')).toThrow(
      expect.objectContaining({ code: 'JCS_FIELD' }),
    )
})
