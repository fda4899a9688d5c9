import { describe, expect, it } from 'vitest'
import { toBase64, toHex, utf8 } from '@sotto/protocol/bytes'
import { type FakeDevice, fakeNvidia } from '@sotto/testkit/nvidia'
import { FAKE_NOW } from '@sotto/testkit/x509'
import {
  appraiseEvidence,
  commitToGpus,
  type EvidencePiece,
  type EvidencePolicy,
  type Families,
  FAMILY_REGISTRY,
  gpuNonce,
  parseEvidencePolicy,
  testPolicy,
} from '@sotto/verifier/appraisal'
import { verifyNvidia } from '@sotto/verifier/nvidia'
import { binding, FAKE_FAMILIES, fakeEvidence } from './fake-families.ts'

const vendor = fakeNvidia()
/** A fake processor beside GPUs that are judged as real ones are, under roots of our own. */
const families: Families = new Map([
  ...FAKE_FAMILIES,
  ['nvidia', { ...FAMILY_REGISTRY.get('nvidia')!, verify: (input) => verifyNvidia(input, vendor.roots) }],
])
const nonce = gpuNonce(binding())
const gpu = vendor.device()
const other = vendor.device()
const rims = vendor.rims()

/** A policy that wants so many GPUs. */
const wants = (minGpus: number, maxGpus = minGpus): EvidencePolicy =>
  parseEvidencePolicy(
    {
      version: 1,
      name: 'p',
      anyOf: [
        {
          name: 't',
          allOf: [{ family: 'sev-snp' }, { family: 'nvidia' }],
          gpuBinding: { minGpus, maxGpus },
        },
      ],
      freshness: 'nonce',
      evidenceMaxAgeSeconds: 3600,
    },
    families,
  )

const raw = (device: FakeDevice): EvidencePiece => ({
  family: 'nvidia',
  evidence: device.report({ nonce }),
  collateral: { chain: device.chain, ...rims },
})
const listed = (arch: string, ...devices: FakeDevice[]): EvidencePiece => {
  const entries = devices.map((device) => ({
    arch,
    certificate: toBase64(device.chain),
    evidence: toBase64(device.report({ nonce })),
    nonce: toHex(nonce),
  }))
  return { family: 'nvidia', evidence: utf8(JSON.stringify(entries)), collateral: { ...rims } }
}
const token = (...devices: Record<string, unknown>[]): EvidencePiece => ({
  family: 'nvidia',
  evidence: vendor.nras.token({ nonce: toHex(nonce), devices }),
  collateral: { keys: vendor.nras.jwks },
})
/** `ueid` of a device in a token: the serial number of its leaf. */
const ueidOf = ({ certificates: [leaf] }: FakeDevice): string =>
  BigInt(`0x${toHex(leaf!.certificate.serialNumber)}`).toString()

function piecesWith(gpus: readonly EvidencePiece[]): EvidencePiece[] {
  const evidence = gpus.map((piece) => piece.evidence)
  return [
    { family: 'sev-snp', evidence: fakeEvidence(commitToGpus(binding(), evidence)), collateral: {} },
    ...gpus,
  ]
}

/** Why the GPUs are refused, or undefined. */
function refusal(of: EvidencePolicy, ...gpus: EvidencePiece[]): string | undefined {
  const { admitted, tuples, reason } = appraiseEvidence(
    piecesWith(gpus),
    of,
    { at: FAKE_NOW, expectedReportData: binding(), boundAt: FAKE_NOW },
    families,
  )
  if (admitted) return undefined
  const [failed, ...more] = tuples[0]!.steps.filter(({ status }) => status === 'fail')
  expect([failed!.name, more]).toEqual(['policy.gpu-binding', []])
  return `${reason}: ${failed!.reason}`
}

const TWICE = 'hardware: the evidence of one GPU is given twice'
const NUMBER = 'hardware: there are fewer or more GPUs'

describe('GPUs beside a processor', () => {
  it('are counted in every form of evidence', () => {
    expect(refusal(wants(2), raw(gpu), raw(other))).toBeUndefined()
    expect(refusal(wants(2), listed('HOPPER', gpu, other))).toBeUndefined()
    expect(refusal(wants(2), token({ ueid: '7' }, { ueid: '8' }))).toBeUndefined()
    expect(refusal(wants(3), raw(gpu), listed('HOPPER', other), token({ ueid: '9' }))).toBeUndefined()
    expect(refusal(wants(3), listed('HOPPER', gpu, other))).toBe(NUMBER)
    expect(refusal(wants(1), listed('HOPPER', gpu, other))).toBe(NUMBER)
  })

  const updated = vendor.device({ sameAs: gpu })
  it.each<[string, EvidencePiece[]]>([
    ['as two reports', [raw(gpu), raw(gpu)]],
    ['as two lists', [listed('HOPPER', gpu), listed('HOPPER', gpu)]],
    ['as a report and in a list', [raw(gpu), listed('HOPPER', gpu)]],
    ['as a report and in a token', [raw(gpu), token({ ueid: ueidOf(gpu) })]],
    ['in a list and in a token', [listed('HOPPER', gpu), token({ ueid: ueidOf(gpu) })]],
    ['in two tokens', [token({ ueid: '7' }), token({ ueid: '7', jti: 'another' })]],
    ['with two firmwares, each of which made a key of its own', [raw(gpu), raw(updated)]],
  ])('are refused when one is given twice, %s', (_how, pieces) => {
    expect(refusal(wants(2), ...pieces)).toBe(TWICE)
  })

  const [driver, vbios] = ['x-nvidia-gpu-driver-version', 'x-nvidia-gpu-vbios-version'] as const
  const UNCLEAR = 'hardware: tokens do not tell one GPU with two firmwares from two'
  it('are refused when a token names one twice, whatever it says that it ran', () => {
    const [before, after] = [{ ueid: '7' }, { ueid: '7', [driver]: '580.95.05', [vbios]: '96.00.D9.00.0C' }]
    expect(refusal(wants(2), token(before), token(after))).toBe(TWICE)
    const [verdict] = [verifyNvidia({ ...token(before, after), at: FAKE_NOW }, vendor.roots)]
    expect(verdict).toMatchObject({ acceptable: false, reason: 'hardware' })
  })

  // The ueid is of the key of its firmware: after an update, the same GPU has another.
  it.each<[string, Record<string, unknown>]>([
    ['another driver', { [driver]: '580.95.05' }],
    ['another VBIOS', { [vbios]: '96.00.D9.00.0C' }],
    ['a driver that it does not name', { [driver]: undefined }],
    ['a VBIOS of another form', { [vbios]: 'new' }],
  ])('are refused when one of a token may be another one after it got %s', (_what, changes) => {
    expect(refusal(wants(2), token({ ueid: '7' }, { ueid: '8', ...changes }))).toBe(UNCLEAR)
    expect(refusal(wants(2), token({ ueid: '7' }), token({ ueid: '8', ...changes }))).toBe(UNCLEAR)
    expect(refusal(wants(2), raw(gpu), token({ ueid: '8', ...changes }))).toBe(UNCLEAR)
    expect(refusal(wants(2), listed('HOPPER', gpu), token({ ueid: '8', ...changes }))).toBe(UNCLEAR)
    expect(refusal(wants(1), token({ ueid: '8', ...changes }))).toBeUndefined()
  })

  it('are refused when no token says what they ran', () => {
    const silent = [{ ueid: '7' }, { ueid: '8' }].map((claims) => ({ ...claims, [driver]: undefined }))
    expect(refusal(wants(2), token(...silent))).toBe(UNCLEAR)
  })

  it('may differ in firmware where reports tell them apart', () => {
    const vbiosVersion = '96.00.D9.00.0C'
    const newer = vendor.device({ vbiosVersion })
    const golden = new Map([0, 1, 2, 3].map((index) => [index, [vendor.measurements[index]!]]))
    const vbiosRim = vendor.rim({ version: vbiosVersion, golden })
    const piece = { ...raw(newer), collateral: { chain: newer.chain, ...rims, vbios: vbiosRim } }
    expect(refusal(wants(2), raw(gpu), piece)).toBeUndefined()
  })

  it('are refused when nothing tells them apart', () => {
    for (const ueid of [undefined, null, 7, '', '0x7', '07'])
      expect(refusal(wants(1), token({ ueid }))).toBe('hardware: nothing tells a GPU from the others')
  })

  it('are no switches, which may stand beside them', () => {
    const switches = Array.from({ length: 4 }, () =>
      vendor.device({ chip: 'LS_10', vbiosVersion: '96.10.55.00.01' }),
    )
    const bios = vendor.rim({
      edition: 'SWITCH',
      product: 'LS10',
      version: '96.10.55.00.01',
      golden: new Map([[0, [vendor.measurements[0]!]]]),
    })
    const fabric = { ...listed('LS10', ...switches), collateral: { bios } }
    expect(refusal(wants(4), fabric)).toBe(NUMBER)
    expect(refusal(wants(1), raw(gpu), fabric)).toBeUndefined()
    const claims = {
      ueid: '5',
      hwmodel: 'LS_10 A01 FSP BROM',
      ...Object.fromEntries(
        [
          'arch-check',
          ...['cert-chain-fwid-match', 'nonce-match', 'parsed', 'signature-verified'].map(
            (name) => `attestation-report-${name}`,
          ),
          ...['fetched', 'signature-verified', 'version-match', 'measurements-available'].map(
            (name) => `bios-rim-${name}`,
          ),
        ].map((name) => [`x-nvidia-switch-${name}`, true]),
      ),
    }
    expect(refusal(wants(1), token({ ueid: '7' }, claims))).toBeUndefined()
    expect(refusal(wants(2), token({ ueid: '7' }, claims))).toBe(NUMBER)
  })
})

describe('a manifest of reference values', () => {
  const manifest: EvidencePiece = { family: 'nvidia', evidence: rims.driver, collateral: {} }

  it('is no GPU, even where nothing is said about binding', () => {
    const pieces = piecesWith([manifest])
    for (const of of [wants(1), wants(1, 16)]) {
      const [result] = testPolicy(of, [{ name: 'c', pieces, at: FAKE_NOW }], families)
      expect(result).toMatchObject({ admitted: false, reason: 'hardware' })
      const { steps } = result!.appraisal.tuples[0]!
      expect(steps.find(({ name }) => name === 'policy.gpu-binding')).toMatchObject({
        status: 'fail',
        reason: 'a piece is evidence of no device',
      })
    }
    // The same case with a GPU takes its binding for granted, and admits.
    const [real] = testPolicy(
      wants(1),
      [{ name: 'c', pieces: piecesWith([raw(gpu)]), at: FAKE_NOW }],
      families,
    )
    expect(real).toMatchObject({ admitted: true })
    expect(real!.assumed).toContain('policy.gpu-binding')
  })

  it('does not stand beside a GPU either', () => {
    const [result] = testPolicy(
      wants(1),
      [{ name: 'c', pieces: piecesWith([raw(gpu), manifest]), at: FAKE_NOW }],
      families,
    )
    expect(result).toMatchObject({ admitted: false, reason: 'hardware' })
  })
})
