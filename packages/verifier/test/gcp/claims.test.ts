import { describe, expect, it } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { type FakeSpaceTokenOptions } from '@sotto/testkit/tokens'
import { FAKE_NOW } from '@sotto/testkit/x509'
import type { EvidenceVerdict } from '@sotto/verifier/family'
import { type ConfidentialSpacePolicy } from '@sotto/verifier/gcp'
import { failed, judge } from './fake-google-token.ts'

const under = (policy: ConfidentialSpacePolicy, options: FakeSpaceTokenOptions = {}): EvidenceVerdict =>
  judge(options, { policy })
const claiming = (claims: Record<string, unknown>, policy: ConfidentialSpacePolicy = {}): EvidenceVerdict =>
  judge({ claims }, { policy })

describe('what the token says', () => {
  it('is of the issuer of Google', () => {
    for (const iss of [
      'https://confidentialcomputing.googleapis.com/',
      'https://accounts.google.com',
      undefined,
    ])
      expect(failed(claiming({ iss }))).toEqual({ issuer: 'issuer' })
  })

  it('holds now, and not longer than the policy allows', () => {
    for (const at of [FAKE_NOW - 1, FAKE_NOW + 3600, Number.NaN])
      expect(failed(judge({}, { at }))).toMatchObject({ validity: 'expired' })
    expect(failed(claiming({ exp: undefined }))).toEqual({ validity: 'expired' })
    expect(judge({}, { at: FAKE_NOW - 5, policy: { clockSkewSeconds: 5 } }).acceptable).toBe(true)
    const old = judge({}, { at: FAKE_NOW + 61, policy: { maxAgeSeconds: 60 } })
    expect(failed(old)).toEqual({ age: 'expired' })
    expect(failed(claiming({ iat: undefined }, { maxAgeSeconds: 60 }))).toEqual({ age: 'expired' })
  })

  it('is for an audience that the policy names', () => {
    expect(under({ audiences: ['https://verifier.example'] }).acceptable).toBe(true)
    expect(claiming({ aud: ['a', 'b'] }, { audiences: ['b'] }).acceptable).toBe(true)
    for (const aud of ['https://verifier.example.net', undefined, []])
      expect(failed(claiming({ aud }, { audiences: ['https://verifier.example'] }))).toEqual({
        audience: 'issuer',
      })
    expect(failed(under({ projects: ['q'] }))).toEqual({ project: 'issuer' })
    expect(under({ projects: ['q', 'p'] }).acceptable).toBe(true)
  })

  it('has the nonce that was expected', () => {
    const bound = (nonce: string, eat_nonce: unknown = ['one', 'two']): EvidenceVerdict =>
      judge({ claims: { eat_nonce } }, { expectedReportData: utf8(nonce) })
    expect(bound('two').acceptable).toBe(true)
    for (const nonce of ['three', 'one,two', '', 'on'])
      expect(failed(bound(nonce))).toEqual({ binding: 'binding' })
    const without = judge({ claims: { eat_nonce: undefined } }, { expectedReportData: utf8('one') })
    expect(failed(without)).toEqual({ binding: 'binding' })
    expect(claiming({ eat_nonce: ['one', 'two'] }, { nonces: ['two'] }).acceptable).toBe(true)
    expect(failed(under({ nonces: ['two'] }))).toEqual({ nonce: 'binding' })
  })
})

describe('the machine', () => {
  it('runs no debug image', () => {
    for (const dbgstat of ['enabled', 'disabled', undefined, true]) {
      expect(failed(claiming({ dbgstat }))).toEqual({ debug: 'debug' })
      expect(claiming({ dbgstat }, { allowDebug: true }).acceptable).toBe(true)
    }
  })

  it('started with secure boot', () => {
    for (const secboot of [false, undefined, 'true']) {
      expect(failed(claiming({ secboot }))).toEqual({ 'secure-boot': 'guest-policy' })
      expect(claiming({ secboot }, { allowInsecureBoot: true }).acceptable).toBe(true)
    }
  })

  it('is confidential, of Google, and of a kind that the policy accepts', () => {
    for (const hwmodel of ['GCP_SHIELDED_VM', 'INTEL_TDX', undefined, ['GCP_INTEL_TDX']])
      expect(failed(claiming({ hwmodel }))).toEqual({ hardware: 'hardware' })
    expect(failed(claiming({ oemid: 1 }))).toEqual({ hardware: 'hardware' })
    expect(failed(under({ hwmodels: ['GCP_AMD_SEV_SNP'] }))).toEqual({ hardware: 'hardware' })
    expect(claiming({ hwmodel: 'GCP_AMD_SEV' }).acceptable).toBe(true)
  })

  it('has a GPU in confidential mode where the policy asks for one', () => {
    const gpu = (cc_mode: string): FakeSpaceTokenOptions => ({ submods: { nvidia_gpu: { cc_mode } } })
    expect(under({ requireConfidentialGpu: true }, gpu('ON')).acceptable).toBe(true)
    for (const mode of ['OFF', 'DEVTOOLS'])
      expect(failed(under({ requireConfidentialGpu: true }, gpu(mode)))).toEqual({ gpu: 'hardware' })
    expect(failed(under({ requireConfidentialGpu: true }))).toEqual({ gpu: 'hardware' })
  })

  it('runs a Confidential Space that Google supports', () => {
    for (const swname of ['GCE', undefined])
      expect(failed(claiming({ swname }))).toEqual({ software: 'measurement' })
    const attributes = (...support_attributes: string[]): FakeSpaceTokenOptions => ({
      submods: { confidential_space: { support_attributes } },
    })
    expect(under({}, attributes('STABLE')).acceptable).toBe(true)
    for (const options of [
      attributes('USABLE'),
      attributes(),
      { submods: { confidential_space: undefined } },
    ])
      expect(failed(under({}, options))).toEqual({ support: 'tcb' })
    expect(failed(under({ supportAttributes: ['LATEST'] }, attributes('STABLE')))).toEqual({ support: 'tcb' })
    expect(under({ supportAttributes: [] }, attributes()).acceptable).toBe(true)
  })

  it('runs a version and microcode that are not too old', () => {
    expect(under({ minimumSwversion: 250301 }).acceptable).toBe(true)
    expect(failed(under({ minimumSwversion: 250302 }))).toEqual({ tcb: 'tcb' })
    for (const swversion of [undefined, [], ['x'], '250301'])
      expect(failed(claiming({ swversion }, { minimumSwversion: 1 }))).toEqual({ tcb: 'tcb' })
    const tdx = (status: unknown): Record<string, unknown> => ({ tdx: { gcp_attester_tcb_status: status } })
    expect(claiming(tdx('UpToDate')).acceptable).toBe(true)
    expect(failed(claiming(tdx('OutOfDate')))).toEqual({ tcb: 'tcb' })
    expect(claiming(tdx('OutOfDate'), { tcbStatuses: ['OutOfDate'] }).acceptable).toBe(true)
  })

  it('runs the container that the policy names', () => {
    const digest = `sha256:${'ab'.repeat(32)}`
    expect(
      under({ imageDigests: [digest], imageReferences: ['registry.example/app:latest'] }).acceptable,
    ).toBe(true)
    expect(failed(under({ imageDigests: [`sha256:${'00'.repeat(32)}`] }))).toEqual({ image: 'measurement' })
    expect(failed(under({ imageReferences: ['registry.example/app:1'] }))).toEqual({ image: 'measurement' })
    expect(failed(under({ imageDigests: [digest] }, { submods: { container: undefined } }))).toEqual({
      image: 'measurement',
    })
  })
})
