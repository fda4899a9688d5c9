import { beforeAll, describe, expect, it } from 'vitest'
import { fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { fakeNvidia, type FakeNvidia, type FakeTokenOptions } from '@sotto/testkit/nvidia'
import type { EvidenceInput, EvidenceVerdict } from '@sotto/verifier/family'
import {
  nrasKeysOf,
  type NvidiaPolicy,
  parseNrasBundle,
  verifyNrasCertificates,
  verifyNvidia,
} from '@sotto/verifier/nvidia'
import { failures } from './vectors.ts'

const malformed = expect.objectContaining({ code: 'EVIDENCE_MALFORMED' })
const NONCE = new Uint8Array(32).fill(0x11)
let vendor: FakeNvidia
beforeAll(() => {
  vendor = fakeNvidia()
})

function judge(
  options: FakeTokenOptions = {},
  input: Partial<EvidenceInput<NvidiaPolicy>> = {},
): EvidenceVerdict {
  const { nras, roots } = vendor
  return verifyNvidia(
    { evidence: nras.token(options), collateral: { keys: nras.jwks }, at: FAKE_NOW, ...input },
    roots,
  )
}
const device = (claims: Record<string, unknown>, policy: NvidiaPolicy = {}): string[] =>
  failures(judge({ devices: [claims] }, { policy }))

describe('a token of NRAS', () => {
  it('is accepted, in either form', () => {
    for (const flat of [false, true])
      expect(judge({ flat, devices: [{}, {}] }, { expectedReportData: NONCE })).toMatchObject({
        acceptable: true,
        validUntil: FAKE_NOW + 3599,
        fields: { tokens: 3, overall: true, gpu1: { measres: 'success', ueid: '1001' } },
      })
  })

  it('is signed with ES384', () => {
    for (const alg of ['none', 'ES256', 'HS384', 'RS256'])
      expect(judge({ header: { alg } })).toMatchObject({ authentic: false, reason: 'algorithm' })
  })

  it('is of the production service', () => {
    for (const iss of [
      'https://nras.attestation-stg.nvidia.com',
      'https://nras.attestation.nvidia.com/',
      'http://nras.attestation.nvidia.com',
      undefined,
    ]) {
      expect(judge({ overall: { iss } })).toMatchObject({ authentic: false, reason: 'issuer' })
      expect(judge({ devices: [{ iss }] })).toMatchObject({ authentic: false, reason: 'issuer' })
    }
  })

  it('is refused with any other key', () => {
    const other = fakeNvidia()
    expect(failures(judge({ signWith: other.nras.key }))).toEqual(['nvidia.token-signature signature'])
    expect(failures(judge({}, { collateral: { keys: other.nras.jwks } }))).toContain('nvidia.token-key chain')
    expect(failures(judge({ header: { kid: 'another' } }))).toContain('nvidia.token-key issuer')
    expect(failures(judge({}, { collateral: {} }))).toContain('nvidia.token-key issuer')
  })

  it('believes no key set that nobody certified, unless the policy names the key or the caller vouches for it', () => {
    const collateral = { keys: vendor.nras.bareJwks }
    expect(failures(judge({}, { collateral }))).toContain('nvidia.token-key issuer')
    expect(judge({}, { collateral, trustKeySets: true })).toMatchObject({ acceptable: true })
    expect(
      judge({}, { collateral: {}, policy: { nrasKeys: nrasKeysOf(vendor.nras.bareJwks) } }),
    ).toMatchObject({ acceptable: true })
    const wrong = nrasKeysOf(fakeNvidia().nras.bareJwks)
    expect(judge({}, { policy: { nrasKeys: wrong } })).toMatchObject({
      authentic: false,
      reason: 'signature',
    })
  })

  it('is refused when the certificate of its key has ended, or is about another key', () => {
    const { key, jwks } = vendor.nras
    expect(judge({}, { at: key.certificate.notAfter + 1 })).toMatchObject({
      authentic: false,
      reason: 'expired',
    })
    const set = JSON.parse(fromUtf8(jwks)) as { keys: { x: string }[] }
    set.keys[0]!.x = toBase64Url(new Uint8Array(48).fill(1))
    expect(judge({}, { collateral: { keys: utf8(JSON.stringify(set)) } })).toMatchObject({ authentic: false })
  })

  it('is refused when its key is that of an authority, or when the pinned authority is not the one that issued it', () => {
    const refuse = (...certificates: { der: Uint8Array }[]): void =>
      expect(() =>
        verifyNrasCertificates(
          certificates.map(({ der }) => der),
          FAKE_NOW,
          vendor.roots,
        ),
      ).toThrow(expect.objectContaining({ class: 'chain' }))
    const { nras, nrasAuthority } = vendor
    refuse(nrasAuthority)
    refuse(fakeNvidia().nras.key, nrasAuthority)
    refuse(nras.key)
    refuse(nras.key.issue({ commonName: 'Below a leaf' }), nras.key, nrasAuthority)
  })

  it('is valid from its beginning to its end', () => {
    for (const at of [FAKE_NOW - 1, FAKE_NOW + 3600])
      expect(judge({}, { at })).toMatchObject({ authentic: false, reason: 'expired' })
    expect(judge({}, { at: FAKE_NOW + 3599 })).toMatchObject({ acceptable: true })
    expect(judge({ overall: { exp: undefined } })).toMatchObject({ authentic: false, reason: 'malformed' })
    expect(judge({ devices: [{ exp: FAKE_NOW }] })).toMatchObject({ authentic: false, reason: 'expired' })
  })

  it('answers the nonce that was expected, in every part', () => {
    for (const expected of [new Uint8Array(32), new Uint8Array(0), NONCE.subarray(1)])
      expect(failures(judge({}, { expectedReportData: expected }))).toEqual(['nvidia.nonce binding'])
    for (const options of [
      { devices: [{ eat_nonce: '00'.repeat(32) }] },
      { overall: { eat_nonce: undefined } },
      { overall: { eat_nonce: 'x' } },
    ])
      expect(failures(judge(options))).toEqual(['nvidia.nonce binding'])
  })

  it('covers every detached token, and there is no other', () => {
    const [mine, ...rest] = [{}, {}, {}]
    const other = JSON.parse(
      fromUtf8(vendor.nras.token({ flat: true, devices: [{ ueid: '7' }] })),
    ) as string[]
    const edits: NonNullable<FakeTokenOptions['editDetached']>[] = [
      (tokens) => tokens.slice(1),
      (tokens) => [...tokens, other[1]!],
      (tokens) => tokens.with(0, other[1]!),
      (tokens) => tokens.with(0, tokens[1]!),
    ]
    for (const editDetached of edits)
      expect(failures(judge({ devices: [mine!, ...rest], editDetached }))).toContain(
        'nvidia.submodules signature',
      )
    expect(judge({ devices: [mine!, ...rest], editDetached: (tokens) => tokens.toReversed() })).toMatchObject(
      { acceptable: true },
    )
  })

  it('comes with nothing that cannot be read', () => {
    expect(failures(judge({}, { collateral: { keys: vendor.nras.jwks, what: utf8('what') } }))).toEqual([
      'nvidia.collateral collateral-invalid',
    ])
  })
})

describe('what a token says', () => {
  it('is true of all devices together', () => {
    for (const result of [false, undefined, 'true', 1])
      expect(failures(judge({ overall: { 'x-nvidia-overall-att-result': result } }))).toEqual([
        'nvidia.result measurement',
      ])
  })

  it.each<[string, Record<string, unknown>]>([
    ['nvidia.measurements measurement', { measres: 'fail' }],
    ['nvidia.measurements measurement', { measres: undefined }],
    ['nvidia.measurements measurement', { 'x-nvidia-mismatch-measurement-records': [{ index: 7 }] }],
    ['nvidia.measurements measurement', { 'x-nvidia-gpu-driver-rim-signature-verified': false }],
    ['nvidia.measurements measurement', { 'x-nvidia-gpu-vbios-rim-measurements-available': undefined }],
    ['nvidia.measurements measurement', { 'x-nvidia-gpu-attestation-report-signature-verified': 'true' }],
    ['nvidia.measurements measurement', { 'x-nvidia-gpu-vbios-index-no-conflict': false }],
    ['nvidia.measurements measurement', { 'x-nvidia-gpu-something-new': false }],
    ['nvidia.debug debug', { dbgstat: 'enabled' }],
    ['nvidia.debug debug', { dbgstat: null }],
    ['nvidia.secure-boot guest-policy', { secboot: false }],
    ['nvidia.secure-boot guest-policy', { secboot: undefined }],
    ['nvidia.architecture hardware', { hwmodel: 'GA100 A01' }],
    ['nvidia.architecture hardware', { hwmodel: undefined }],
    [
      'nvidia.certificates revoked',
      {
        'x-nvidia-gpu-driver-rim-cert-chain': {
          'x-nvidia-cert-status': 'valid',
          'x-nvidia-cert-ocsp-status': 'revoked',
        },
      },
    ],
    ['nvidia.certificates revoked', { 'x-nvidia-gpu-attestation-report-cert-chain': null }],
    ['nvidia.certificates revoked', { 'x-nvidia-attestation-warning': 'certificate on hold' }],
    ['nvidia.interconnect guest-policy', { 'x-nvidia-gpu-mode': 'ppcie' }],
    ['nvidia.interconnect guest-policy', { 'x-nvidia-gpu-mode': 7 }],
  ])('is refused: %s with %o', (refusal, claims) => {
    expect(device(claims)).toContain(refusal)
  })

  it('speaks of every chain where the policy demands it, and has its own date then', () => {
    const chains = ['attestation-report', 'driver-rim', 'vbios-rim'].map(
      (name) => `x-nvidia-gpu-${name}-cert-chain`,
    )
    const dates = [{ kind: 'revocation', issuedAt: FAKE_NOW }]
    expect(judge({}, { policy: { requireOcsp: true } })).toMatchObject({ acceptable: true, dates })
    for (const chain of chains) {
      const silent = { [chain]: undefined }
      expect(device(silent, { requireOcsp: true })).toEqual(['nvidia.revocation-status collateral-missing'])
      expect(judge({ devices: [{}, silent] })).toMatchObject({ acceptable: true, dates: [] })
      const { steps } = judge({ devices: [{}, silent] }, { policy: { requireOcsp: true } })
      expect(steps.find(({ name }) => name === 'nvidia.revocation-status')).toMatchObject({
        expected: `GPU-1: ${chain}`,
      })
      for (const status of ['revoked', 'unknown', null]) {
        const bad = { 'x-nvidia-cert-status': 'valid', 'x-nvidia-cert-ocsp-status': status }
        expect(device({ [chain]: bad }, { requireOcsp: true })).toEqual(['nvidia.certificates revoked'])
      }
    }
  })

  it('is not about the same device twice', () => {
    expect(failures(judge({ devices: [{ ueid: '1' }, { ueid: '1', jti: 'another' }] }))).toEqual([
      'nvidia.distinct hardware',
    ])
  })

  it('is measured by the policy', () => {
    expect(
      device(
        {},
        {
          devices: ['1000'],
          minimumDriverVersion: '550.90.07',
          vbiosVersions: ['96.00.9F.00.01'],
          architectures: ['hopper'],
        },
      ),
    ).toEqual([])
    expect(device({}, { devices: ['1'] })).toEqual(['nvidia.device hardware'])
    expect(device({}, { minimumDriverVersion: '550.144' })).toEqual(['nvidia.driver-version tcb'])
    expect(device({ 'x-nvidia-gpu-driver-version': undefined }, { minimumDriverVersion: '1.0' })).toEqual([
      'nvidia.driver-version tcb',
    ])
    expect(device({}, { vbiosVersions: ['96.00.9F.00.02'] })).toEqual(['nvidia.vbios-version tcb'])
    expect(device({}, { architectures: ['ls10'] })).toEqual(['nvidia.architecture hardware'])
    expect(device({ dbgstat: 'enabled' }, { allowDevtools: true })).toEqual([])
    expect(device({ 'x-nvidia-gpu-mode': 'ppcie' }, { allowProtectedPcie: true })).toEqual([])
  })
})

describe('a bundle of tokens is malformed', () => {
  const edited = (edit: (bundle: unknown[]) => unknown): Uint8Array =>
    utf8(JSON.stringify(edit(JSON.parse(fromUtf8(vendor.nras.token())) as unknown[])))
  const submods = (value: unknown): Uint8Array => vendor.nras.token({ overall: { submods: value } })

  it.each<[string, () => Uint8Array]>([
    ['that is empty', () => utf8('[]')],
    ['that is no list', () => utf8('{}')],
    ['without detached tokens', () => edited(([first]) => [first])],
    ['with one more part', () => edited((bundle) => [...bundle, {}])],
    ['with another word', () => edited(([first, ...rest]) => [['CBOR', (first as string[])[1]], ...rest])],
    ['with a token that is a number', () => edited(([first]) => [first, { 'GPU-0': 1 }])],
    ['with a token that is none', () => edited(([first]) => [first, { 'GPU-0': 'a.b' }])],
    [
      'with too many tokens',
      () => edited(([first]) => [(first as string[])[1], ...Array.from({ length: 33 }, () => 'a.b.c')]),
    ],
    ['with a name twice', () => utf8('[["JWT","a.b.c"],{"GPU-0":"a","GPU-0":"b"}]')],
    ['without submodules', () => submods(undefined)],
    ['with no submodule', () => submods({})],
    ['with a submodule without digest', () => submods({ 'GPU-0': ['DIGEST'] })],
    ['with a digest of another kind', () => submods({ 'GPU-0': ['DIGEST', ['SHA-1', 'ab']] })],
    [
      'with too many submodules',
      () =>
        submods(
          Object.fromEntries(
            Array.from({ length: 33 }, (_, i) => [`GPU-${i}`, ['DIGEST', ['SHA-256', `${i}`]]]),
          ),
        ),
    ],
    ['with a critical header', () => vendor.nras.token({ header: { crit: ['exp'] } })],
  ])('%s', (_what, bundle) => {
    expect(() => parseNrasBundle(bundle())).toThrow(malformed)
  })
})
