import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toHex } from '@sotto/protocol/bytes'
import {
  appraiseEvidence,
  commitToGpus,
  type EvidencePiece,
  gpuNonce,
  parseEvidencePolicy,
} from '@sotto/verifier/appraisal'
import { binding, bytesOf, FAKE_FAMILIES, fakeEvidence } from './fake-families.ts'
import { claim } from '../../../../test/claims.ts'

const RUNS = process.env['SLOW'] ? 2000 : 100

describe('what a processor commits to beside GPUs', () => {
  // Computed from the description alone, with another language.
  it('has pinned bytes', () => {
    expect(toHex(gpuNonce(binding()))).toBe(
      '85c5827691593da130565af566a5c0ef80dc318d598b8699de52479080739a16',
    )
    expect(toHex(commitToGpus(binding(), [bytesOf('one'), bytesOf('two')]))).toBe(
      'c4fdb90e9ca1b945037fcae9bff22901ba01b9cfd38fc8cd5227da5c1eec9797' +
        'ff63c49607f1cba035d0aa41857f1931be397d2e8023ed03aa37991be202f3a9',
    )
  })

  it('does not depend on the order of GPUs, and on everything else', () => {
    const evidence = fc.uint8Array({ maxLength: 8 })
    fc.assert(
      fc.property(
        fc.array(evidence, { minLength: 1, maxLength: 4 }),
        fc.array(evidence, { minLength: 1, maxLength: 4 }),
        (a, b) => {
          const sorted = (list: Uint8Array[]): string => list.map(toHex).sort().join()
          const same = sorted(a) === sorted(b)
          expect(toHex(commitToGpus(binding(), a)) === toHex(commitToGpus(binding(), b))).toBe(same)
          expect(toHex(commitToGpus(binding(2), a))).not.toBe(toHex(commitToGpus(binding(), a)))
          expect(toHex(commitToGpus(binding(), [...a, a[0]!]))).not.toBe(toHex(commitToGpus(binding(), a)))
        },
      ),
      { numRuns: RUNS },
    )
  })

  it('is of a binding of 64 bytes and at least one GPU', () => {
    expect(() => commitToGpus(binding(), [])).toThrow(TypeError)
    expect(() => commitToGpus(new Uint8Array(32), [bytesOf('one')])).toThrow(TypeError)
    expect(() => gpuNonce(new Uint8Array(0))).toThrow(TypeError)
  })
})

describe('a processor with GPUs', () => {
  const NOW = 100_000
  const of = parseEvidencePolicy(
    {
      version: 1,
      name: 'p',
      anyOf: [
        {
          name: 'with-gpus',
          allOf: [{ family: 'sev-snp' }, { family: 'nvidia', minimum: 5 }],
          gpuBinding: { minGpus: 1, maxGpus: 2 },
        },
        { name: 'alone', allOf: [{ family: 'sev-snp', minimum: 9 }] },
      ],
      freshness: 'age',
      evidenceMaxAgeSeconds: 3600,
    },
    FAKE_FAMILIES,
  )
  const gpu = (name: string, bound = gpuNonce(binding()), svn = 5): EvidencePiece => ({
    family: 'nvidia',
    evidence: fakeEvidence(bound, { measurement: name, device: name, svn }),
    collateral: {},
  })
  const cpu = (gpus: readonly EvidencePiece[], bound = binding()): EvidencePiece => ({
    family: 'sev-snp',
    evidence: fakeEvidence(
      commitToGpus(
        bound,
        gpus.map(({ evidence }) => evidence),
      ),
    ),
    collateral: {},
  })
  const judge = (
    pieces: EvidencePiece[],
    expected: Uint8Array | undefined = binding(),
  ): (string | null)[] => {
    const { tuple, reason } = appraiseEvidence(
      pieces,
      of,
      { at: NOW, boundAt: NOW, ...(expected && { expectedReportData: expected }) },
      FAKE_FAMILIES,
    )
    return [tuple, reason]
  }
  const asked = (measurement: string): EvidencePiece => ({
    family: 'nvidia',
    evidence: fakeEvidence(gpuNonce(binding()), { measurement, device: 'GPU-1' }),
    collateral: {},
  })
  const nameless: EvidencePiece = {
    family: 'nvidia',
    evidence: fakeEvidence(gpuNonce(binding())),
    collateral: {},
  }
  const [one, two, three] = [gpu('aa'), gpu('bb'), gpu('cc')]

  it('is admitted in any order of the pieces', () => {
    expect(judge([cpu([one]), one])).toEqual(['with-gpus', null])
    expect(judge([one, cpu([two, one]), two])).toEqual(['with-gpus', null])
  })

  it.each<[string, EvidencePiece[], string]>([
    ['the processor commits to another GPU', [cpu([two]), one], 'binding'],
    ['the processor commits to one GPU more', [cpu([one, two]), one], 'binding'],
    ['the processor commits to one GPU fewer', [cpu([one]), one, two], 'binding'],
    [
      'the processor commits to no GPU',
      [{ ...one, family: 'sev-snp', evidence: fakeEvidence(binding()) }, one],
      'binding',
    ],
    ['the processor commits to the same GPU for another boot', [cpu([one], binding(2)), one], 'binding'],
    [
      'the GPU answered another nonce',
      [cpu([gpu('aa', gpuNonce(binding(2)))]), gpu('aa', gpuNonce(binding(2)))],
      'binding',
    ],
    ['the GPU answered the binding itself', [cpu([gpu('aa', binding())]), gpu('aa', binding())], 'binding'],
    [
      'one of the GPUs is not acceptable',
      [cpu([one, gpu('bb', undefined, 4)]), one, gpu('bb', undefined, 4)],
      'tcb',
    ],
    ['one GPU is shown as two', [cpu([one, one]), one, one], 'hardware'],
    ['one GPU is asked twice', [cpu([asked('aa'), asked('bb')]), asked('aa'), asked('bb')], 'hardware'],
    ['there are more GPUs than the tuple allows', [cpu([one, two, three]), one, two, three], 'hardware'],
    ['nothing tells a GPU from the others', [cpu([nameless]), nameless], 'hardware'],
    ['there is no processor', [one], 'collateral-missing'],
    ['there is no GPU', [{ family: 'sev-snp', evidence: fakeEvidence(binding()), collateral: {} }], 'tcb'],
  ])('is refused when %s', (_, pieces, reason) => {
    expect(judge(pieces)).toEqual([null, reason])
  })

  it(claim('T9', 'is refused when nothing says what it is bound to'), () => {
    const { tuples } = appraiseEvidence([cpu([one]), one], of, { at: NOW, boundAt: NOW }, FAKE_FAMILIES)
    expect(tuples[0]!.steps.filter(({ status }) => status === 'fail').map(({ name }) => name)).toEqual([
      'policy.gpu-binding',
      'policy.freshness',
    ])
  })
})
