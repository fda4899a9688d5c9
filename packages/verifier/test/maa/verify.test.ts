import { describe, expect, it } from 'vitest'
import { toBase64, toBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import {
  FAKE_RUNTIME_DATA,
  fakeEnclaveEvidence,
  fakeMaa,
  type FakeMaaTokenOptions,
  fakeRsaKey,
  signJws,
  SNP_CLAIMS,
} from '@sotto/testkit/tokens'
import { FAKE_NOW } from '@sotto/testkit/x509'
import type { EvidenceInput, EvidenceVerdict } from '@sotto/verifier/family'
import { type AzureMaaPolicy, azureMaaPolicyDecoder, verifyAzureMaa } from '@sotto/verifier/maa'

const maa = fakeMaa()
const stranger = fakeRsaKey()
const judge = (
  options: FakeMaaTokenOptions = {},
  input: Partial<EvidenceInput<AzureMaaPolicy>> = {},
): EvidenceVerdict =>
  verifyAzureMaa({
    trustKeySets: true,
    evidence: maa.token(options),
    collateral: { keys: maa.jwks() },
    at: FAKE_NOW,
    ...input,
  })
const failed = ({ steps }: EvidenceVerdict): Record<string, string | undefined> =>
  Object.fromEntries(steps.filter(({ status }) => status === 'fail').map((step) => [step.name, step.class]))
const statusOf = ({ steps }: EvidenceVerdict, name: string): string | undefined =>
  steps.find((step) => step.name === name)?.status
const under = (policy: AzureMaaPolicy, claims: Record<string, unknown> = {}): EvidenceVerdict =>
  judge({ claims }, { policy })
const beside = (...pieces: Uint8Array[]): EvidenceVerdict =>
  judge({}, { collateral: Object.fromEntries(pieces.map((piece, index) => [`${index}`, piece])) })

describe('a genuine token', () => {
  it('is accepted, and says whom one trusts and until when', () => {
    const verdict = judge()
    expect(verdict).toMatchObject({
      family: 'azure-maa',
      authentic: true,
      acceptable: true,
      reason: null,
      validUntil: FAKE_NOW + 28_799,
      fields: { signature: 'valid', attestation_type: 'sgx', iss: maa.issuer },
    })
    expect(verdict.trustedParties.join()).toMatch(/Microsoft.*whoever fetched the key set/)
    expect(judge({}, { policy: { signingKeys: ['00'.repeat(32)] } }).trustedParties.join()).toMatch(
      /author of the policy/,
    )
  })

  it('is refused where nobody vouches for the key set: whoever wrote the token could have made it', () => {
    expect(failed(judge({}, { trustKeySets: false }))).toEqual({ 'azure-maa.pinned-key': 'issuer' })
  })

  it.each(['none', 'HS256', 'PS256', 'RS384', 'ES256'])('is refused under the algorithm %s', (alg) => {
    const verdict = judge({ header: { alg } })
    expect(verdict).toMatchObject({ authentic: false, reason: 'algorithm' })
    expect(failed(verdict)).toMatchObject({
      'azure-maa.algorithm': 'algorithm',
      'azure-maa.signature': 'signature',
    })
  })

  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array(0)],
    ['text', utf8('token')],
    ['a line feed after it', utf8(`${new TextDecoder().decode(maa.token())}\n`)],
    ['claims that are no object', signJws(maa.key, { alg: 'RS256', kid: maa.kid }, [])],
    ['a time in text', maa.token({ claims: { exp: '1' } })],
    ['claims about a VM that are no object', maa.token({ claims: { 'x-ms-isolation-tee': 'sevsnpvm' } })],
    ['a critical header', maa.token({ header: { crit: ['exp'] } })],
    ['too many bytes', utf8('a'.repeat(140_000))],
  ])('is malformed with %s', (_what, evidence) => {
    expect(judge({}, { evidence })).toMatchObject({
      authentic: false,
      acceptable: false,
      reason: 'malformed',
    })
  })
})

describe('the signing key', () => {
  it('is never one that the token brings along or points to', () => {
    const x5c = [toBase64(maa.certify({ key: stranger }))]
    const jwk = { ...stranger.jwk, kid: 'own' }
    for (const header of [
      { x5c },
      { jwk },
      { jku: 'https://attacker.example/certs' },
      { jwk, kid: 'own', x5c },
    ]) {
      const verdict = judge({ key: stranger, header })
      expect(verdict.authentic).toBe(false)
      expect(['signature', 'issuer']).toContain(verdict.reason)
    }
    expect(judge({ header: { x5c, jwk, jku: 'https://attacker.example/certs' } }).acceptable).toBe(true)
  })

  it('is one of the given set, by its name', () => {
    expect(failed(judge({ header: { kid: 'other' } }))).toEqual({ 'azure-maa.signing-key': 'issuer' })
    expect(failed(judge({ header: { kid: undefined } }))).toEqual({ 'azure-maa.signing-key': 'issuer' })
    expect(failed(judge({ key: stranger }))).toEqual({ 'azure-maa.signature': 'signature' })
  })

  it('comes from a set that is one and well-formed', () => {
    const invalid = { 'azure-maa.collateral': 'collateral-invalid' }
    for (const piece of [utf8('garbage'), utf8('{}'), new Uint8Array(0), maa.certificate])
      expect(failed(beside(piece))).toEqual(invalid)
    expect(failed(beside(maa.jwks(), maa.jwks()))).toEqual(invalid)
    const twice = { keys: [0, 1].map(() => ({ kid: maa.kid, kty: 'RSA', x5c: [toBase64(maa.certificate)] })) }
    expect(failed(beside(utf8(JSON.stringify(twice))))).toEqual(invalid)
  })

  it('has a certificate, and no other value than that', () => {
    const invalid = { 'azure-maa.signing-key': 'collateral-invalid' }
    expect(failed(beside(maa.jwks({ x5c: undefined, ...maa.key.jwk })))).toEqual(invalid)
    expect(failed(beside(maa.jwks({ x5c: ['AAAA'] })))).toEqual(invalid)
    expect(failed(beside(maa.jwks(stranger.jwk)))).toEqual(invalid)
    expect(beside(maa.jwks(maa.key.jwk)).acceptable).toBe(true)
    expect(failed(beside(maa.jwks({ use: 'enc' })))).toMatchObject({ 'azure-maa.signing-key': 'issuer' })
    expect(failed(beside(maa.jwks({ alg: 'PS256' })))).toEqual({ 'azure-maa.signing-key': 'issuer' })
  })

  it('has a certificate made out to the issuer, valid now', () => {
    const certified = (options: Parameters<typeof maa.certify>[0]): EvidenceVerdict =>
      beside(maa.jwks({ x5c: [toBase64(maa.certify(options))] }))
    expect(certified({}).acceptable).toBe(true)
    const other = certified({ commonName: 'https://other.eus.attest.azure.net' })
    expect(failed(other)).toEqual({ 'azure-maa.signing-certificate': 'issuer' })
    for (const dates of [{ notAfter: FAKE_NOW - 1 }, { notBefore: FAKE_NOW + 1 }])
      expect(failed(certified(dates))).toEqual({ 'azure-maa.signing-certificate': 'expired' })
  })

  it('is the one that the quote in its certificate is about', () => {
    const step = 'azure-maa.signing-key-quote'
    const quoted = (
      extensions: { oid: string; value: Uint8Array }[],
      policy: AzureMaaPolicy = {},
    ): EvidenceVerdict => {
      const x5c = [toBase64(maa.certify({ extensions }))]
      return judge({}, { policy, collateral: { keys: maa.jwks({ x5c }) } })
    }
    const oid = '1.3.6.1.4.1.311.105.1'
    expect(judge().fields['signing_key_quote']).toMatchObject({ matches: true, isvsvn: 7 })
    const elsewhere = quoted([{ oid, value: fakeEnclaveEvidence(stranger.spki) }])
    expect(failed(elsewhere)).toEqual({ [step]: 'collateral-invalid' })
    for (const value of [new Uint8Array(0), fakeEnclaveEvidence(maa.key.spki).subarray(0, -1)])
      expect(failed(quoted([{ oid, value }]))).toEqual({ [step]: 'collateral-invalid' })
    expect(statusOf(quoted([]), step)).toBe('skipped')
    expect(quoted([]).acceptable).toBe(true)
    expect(failed(quoted([], { requireSigningKeyQuote: true }))).toEqual({ [step]: 'collateral-invalid' })
  })
})

describe('the issuer', () => {
  it.each([
    'https://attest.azure.net',
    'https://fake.eus.attest.azure.net.example',
    'https://fake.eusattest.azure.net',
    'https://fake.eus.test.attest.azure.net',
    'http://fake.eus.attest.azure.net',
    'https://fake.eus.attest.azure.net/',
    'https://a@fake.eus.attest.azure.net',
    'https://example.net/.eus.attest.azure.net',
    '',
    7,
  ])('%s is none of Azure Attestation', (iss) => {
    expect(failed(judge({ claims: { iss } }))).toMatchObject({ 'azure-maa.issuer': 'issuer' })
  })

  it('is the one that the policy names', () => {
    expect(under({ issuers: [maa.issuer] }).acceptable).toBe(true)
    expect(failed(under({ issuers: ['https://other.eus.attest.azure.net'] }))).toEqual({
      'azure-maa.issuer': 'issuer',
    })
    expect(failed(under({ policyHashes: ['AAAA'] }))).toEqual({ 'azure-maa.policy-hash': 'issuer' })
    expect(under({ policyHashes: ['bROrN897ZfWmWY2V0FLUlu3uwk5xatGnKYHn3zBbSlw'] }).acceptable).toBe(true)
  })
})

describe('time', () => {
  const at = (time: number, policy: AzureMaaPolicy = {}): EvidenceVerdict => judge({}, { at: time, policy })
  it('is within what the token says', () => {
    expect(at(FAKE_NOW + 28_799).acceptable).toBe(true)
    for (const time of [FAKE_NOW - 1, FAKE_NOW + 28_800, Number.NaN])
      expect(failed(at(time))).toMatchObject({ 'azure-maa.validity': 'expired' })
    expect(at(FAKE_NOW - 30, { clockSkewSeconds: 30 }).acceptable).toBe(true)
    expect(failed(judge({ claims: { exp: undefined } }))).toEqual({ 'azure-maa.validity': 'expired' })
  })

  it('is within the age that the policy allows', () => {
    expect(at(FAKE_NOW + 60, { maxAgeSeconds: 60 })).toMatchObject({
      acceptable: true,
      validUntil: FAKE_NOW + 60,
    })
    expect(failed(at(FAKE_NOW + 61, { maxAgeSeconds: 60 }))).toEqual({ 'azure-maa.age': 'expired' })
    const undated = judge({ claims: { iat: undefined } }, { policy: { maxAgeSeconds: 60 } })
    expect(failed(undated)).toEqual({ 'azure-maa.age': 'expired' })
  })
})

describe('what is expected', () => {
  const reportData = new Uint8Array(64)
  reportData.set(crypto.sha256(FAKE_RUNTIME_DATA))

  it('is compared with the report data of the hardware', () => {
    expect(judge({}, { expectedReportData: reportData }).acceptable).toBe(true)
    for (const expectedReportData of [new Uint8Array(0), new Uint8Array(64), reportData.subarray(0, 32)])
      expect(failed(judge({}, { expectedReportData }))).toEqual({ 'azure-maa.binding': 'binding' })
    const none = { claims: { 'x-ms-sgx-report-data': undefined, 'x-ms-sgx-ehd': undefined } }
    expect(failed(judge(none, { expectedReportData: reportData }))).toEqual({
      'azure-maa.binding': 'binding',
    })
    const two = { claims: { tdx_report_data: toHex(reportData) } }
    expect(failed(judge(two, { expectedReportData: reportData }))).toMatchObject({
      'azure-maa.binding': 'binding',
    })
  })

  it('is not what the token says of runtime data that the hardware did not report', () => {
    const step = { 'azure-maa.runtime-data': 'binding' }
    expect(failed(judge({ claims: { 'x-ms-sgx-ehd': toBase64Url(utf8('{}')) } }))).toEqual(step)
    expect(failed(judge({ claims: { 'x-ms-sgx-ehd': '=' } }))).toEqual(step)
    expect(failed(judge({ claims: { 'x-ms-sgx-report-data': undefined } }))).toEqual(step)
    expect(statusOf(judge({ claims: { 'x-ms-sgx-ehd': undefined } }), 'azure-maa.runtime-data')).toBe(
      'skipped',
    )
  })

  it('is a nonce, or the user data of a VM, where the policy names one', () => {
    const nonce = { 'x-ms-runtime': { 'client-payload': { nonce: 'n' } } }
    expect(under({ nonces: ['n'] }, { nonce: 'n' }).acceptable).toBe(true)
    expect(under({ nonces: ['n'] }, nonce).acceptable).toBe(true)
    expect(failed(under({ nonces: ['n'] }, { ...nonce, nonce: 'm' }))).toEqual({
      'azure-maa.nonce': 'binding',
    })
    expect(failed(under({ nonces: ['n'] }))).toEqual({ 'azure-maa.nonce': 'binding' })
    const data = { 'x-ms-runtime': { 'user-data': 'AB'.repeat(64) } }
    expect(under({ userData: ['ab'.repeat(64)] }, data).acceptable).toBe(true)
    expect(failed(under({ userData: ['ab'.repeat(64)] }))).toEqual({ 'azure-maa.user-data': 'binding' })
  })
})

describe('a policy', () => {
  it('is read as it was written, and no other', () => {
    const policy = { issuers: [maa.issuer], tees: ['sgx'], mrSigners: ['cd'.repeat(32)], clockSkewSeconds: 5 }
    expect(azureMaaPolicyDecoder(policy, 'policy')).toEqual(policy)
    for (const wrong of [
      { issuer: [] },
      { issuers: [] },
      { issuers: ['fake.eus.attest.azure.net'] },
      { tees: ['tpm'] },
      { signingKeys: ['ab'] },
      { vmpls: [4] },
      { allowDebug: 1 },
      { clockSkewSeconds: 301 },
      'policy',
    ])
      expect(() => azureMaaPolicyDecoder(wrong, 'policy')).toThrow(
        expect.objectContaining({ code: 'JCS_FIELD' }),
      )
  })
})

it('judges an SNP guest inside a VM as one outside', () => {
  const own = Object.entries(SNP_CLAIMS).filter(([, value]) => value !== undefined)
  const outside = Object.fromEntries(Object.keys(SNP_CLAIMS).map((name) => [name, undefined]))
  const claims = {
    ...outside,
    'x-ms-attestation-type': 'azurevm',
    'x-ms-azurevm-debuggersdisabled': true,
    'x-ms-isolation-tee': Object.fromEntries(own),
  }
  expect(judge({ claims })).toMatchObject({ acceptable: true, fields: { attestation_type: 'sevsnpvm' } })
})
