import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fakeNvidia } from '@sotto/testkit/nvidia'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { diffPolicies, type EvidencePolicy, parseEvidencePolicy } from '@sotto/verifier/appraisal'
import { compareParts, verifyNvidia } from '@sotto/verifier/nvidia'
import { compareVersions } from '../../src/nvidia/versions.ts'

const vendor = fakeNvidia()
const part = fc.constantFrom('0', '00', '7', '07', '90', '550')
const version = fc.array(part, { minLength: 2, maxLength: 4 }).map((parts) => parts.join('.'))
const policy = (minimumDriverVersion: string): EvidencePolicy =>
  parseEvidencePolicy({
    version: 1,
    name: 'p',
    anyOf: [
      {
        name: 't',
        allOf: [{ family: 'sev-snp' }, { family: 'nvidia', minimumDriverVersion }],
        gpuBinding: { minGpus: 1, maxGpus: 1 },
      },
    ],
    freshness: 'age',
    evidenceMaxAgeSeconds: 3600,
  })

describe('versions of drivers', () => {
  it('have an order, in which one that ends earlier is the lower one', () => {
    const ascending = ['535.86', '550.9.07', '550.54.15', '550.90', '550.90.0', '550.90.07', '550.90.07.1']
    for (const [i, a] of ascending.entries())
      for (const [j, b] of ascending.entries()) expect(compareVersions(a, b)).toBe(Math.sign(i - j))
    expect(compareParts([Infinity], [550, 90])).toBe(1)
    expect(compareParts([-Infinity], [0])).toBe(-1)
  })

  it('mean to the difference of two policies what they mean to evidence', () => {
    const device = vendor.device({ driverVersion: '550.90' })
    const judge = (minimumDriverVersion: string): string | undefined =>
      verifyNvidia(
        {
          evidence: device.report(),
          collateral: { chain: device.chain },
          at: FAKE_NOW,
          policy: { minimumDriverVersion },
        },
        vendor.roots,
      ).steps.find(({ name }) => name === 'nvidia.driver-version')?.status
    fc.assert(
      fc.property(version, (minimum) => {
        const { refuses } = diffPolicies(policy('550.90'), policy(minimum))
        expect([minimum, judge(minimum)]).toEqual([minimum, refuses.length > 0 ? 'fail' : 'pass'])
      }),
      { examples: [['550.90.0'], ['550.90'], ['550.090'], ['550.7.550']] },
    )
  })
})
