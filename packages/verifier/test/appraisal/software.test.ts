import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { softwareRootDigest } from '@sotto/verifier'
import {
  appraiseEvidence,
  type EvidenceAppraisal,
  type EvidencePiece,
  type EvidencePolicy,
  parseEvidencePolicy,
  testPolicy,
} from '@sotto/verifier/appraisal'
import { signSoftwareReport } from '@sotto/verifier/software-signer'

const RUNS = process.env['SLOW'] ? 500 : 40
const NOW = 1_800_000_000
const root = crypto.ecdsa.generate('P-384')
const other = crypto.ecdsa.generate('P-384')
const binding = crypto.randomBytes(64)
const FIELDS = {
  measurement: 'ab'.repeat(48),
  hostData: 'cd'.repeat(32),
  reportData: binding,
  chipId: new Uint8Array(64),
}

function piece(changes: Partial<typeof FIELDS> = {}, signer = root, named = signer): EvidencePiece {
  return {
    family: 'software',
    evidence: signSoftwareReport({ ...FIELDS, ...changes }, signer.privateKey),
    collateral: { anything: named.publicKey },
  }
}

function policy(changes: object = {}): EvidencePolicy {
  const component = {
    family: 'software',
    roots: [softwareRootDigest(root.publicKey)],
    measurements: [FIELDS.measurement],
    hostData: [FIELDS.hostData],
    ...changes,
  }
  return parseEvidencePolicy({
    version: 1,
    name: 'laptop',
    anyOf: [{ name: 'this-laptop', allOf: [component] }],
    freshness: 'nonce',
    evidenceMaxAgeSeconds: 3600,
  })
}

function judge(given: EvidencePiece, of = policy(), expected = binding): EvidenceAppraisal {
  return appraiseEvidence([given], of, { at: NOW, boundAt: NOW, expectedReportData: expected })
}

describe('a software TEE under an evidence policy', () => {
  it('is admitted by the policy that names its root, and always announced', () => {
    expect(judge(piece())).toMatchObject({
      admitted: true,
      tuple: 'this-laptop',
      software: true,
      trustedParties: ['the owner of the machine (software TEE)'],
      validUntil: NOW + 3600,
    })
  })

  it.each<[string, EvidenceAppraisal, string]>([
    ['another root', judge(piece({}, other)), 'chain'],
    ['a signature of another root', judge(piece({}, other, root)), 'signature'],
    ['no root', judge({ ...piece(), collateral: {} }), 'malformed'],
    ['two roots', judge({ ...piece(), collateral: { a: root.publicKey, b: other.publicKey } }), 'malformed'],
    ['another program', judge(piece({ measurement: 'ff'.repeat(48) })), 'measurement'],
    ['another configuration', judge(piece({ hostData: 'ff'.repeat(32) })), 'measurement'],
    ['another binding', judge(piece(), policy(), new Uint8Array(64)), 'binding'],
    ['half a binding', judge(piece(), policy(), binding.subarray(32)), 'binding'],
    ['an empty binding', judge(piece(), policy(), new Uint8Array(0)), 'binding'],
    ['the same bytes as hardware', judge({ ...piece(), family: 'sev-snp' }), 'hardware'],
  ])('is refused with %s', (_, verdict, reason) => {
    expect([verdict.admitted, verdict.reason]).toEqual([false, reason])
  })

  it('is refused under a hardware policy, in whatever family it poses', () => {
    const hardware = parseEvidencePolicy({
      version: 1,
      name: 'p',
      anyOf: [{ name: 'a', allOf: [{ family: 'sev-snp' }] }],
      freshness: 'nonce',
      evidenceMaxAgeSeconds: 3600,
    })
    for (const family of ['software', 'sev-snp'] as const)
      expect(judge({ ...piece(), family }, hardware).admitted).toBe(false)
  })

  it('is refused once any bit of what is signed is another', () => {
    const genuine = piece()
    fc.assert(
      fc.property(fc.nat(0x2a0 * 8 - 1), (bit) => {
        const evidence = genuine.evidence.slice()
        evidence[bit >> 3]! ^= 1 << (bit & 7)
        expect(judge({ ...genuine, evidence }).admitted).toBe(false)
      }),
      { numRuns: RUNS },
    )
  })
})

describe('a policy that is tried out', () => {
  const context = { at: NOW, pieces: [piece()] }

  it('says which tuple admits, and what it took for granted', () => {
    const [result] = testPolicy(policy(), [{ name: 'c', ...context }])
    expect(result).toMatchObject({
      name: 'c',
      admitted: true,
      tuple: 'this-laptop',
      reason: null,
      assumed: ['policy.binding', 'policy.freshness'],
      problems: [],
    })
    // Only here: what judges for real takes nothing for granted.
    expect(appraiseEvidence(context.pieces, policy(), context).admitted).toBe(false)
  })

  it('takes nothing for granted that it was told', () => {
    const told = { ...context, expectedReportData: binding, boundAt: NOW }
    expect(testPolicy(policy(), [{ name: 'c', ...told }])[0]).toMatchObject({ admitted: true, assumed: [] })
    const wrong = { ...told, expectedReportData: new Uint8Array(64) }
    expect(testPolicy(policy(), [{ name: 'c', ...wrong }])[0]).toMatchObject({
      admitted: false,
      reason: 'binding',
    })
    const late = { ...told, boundAt: NOW - 4000 }
    expect(testPolicy(policy(), [{ name: 'c', ...late }])[0]).toMatchObject({
      admitted: false,
      reason: 'expired',
    })
  })

  it('compares with what was expected', () => {
    const problems = (expected: object, of = policy()): string[] =>
      testPolicy(of, [{ name: 'c', ...context, expect: expected as never }])[0]!.problems
    expect(problems({ admitted: true, tuple: 'this-laptop' })).toEqual([])
    expect(problems({ admitted: false })).toEqual(['expected refused, found admitted'])
    expect(problems({ admitted: true, tuple: 'another' })).toEqual([
      'expected tuple another, found this-laptop',
    ])
    const strict = policy({ measurements: ['00'.repeat(48)] })
    expect(problems({ admitted: false, reason: 'measurement' }, strict)).toEqual([])
    expect(problems({ admitted: false, reason: 'debug' }, strict)).toEqual([
      'expected reason debug, found measurement',
    ])
    expect(problems({ admitted: true }, strict)).toEqual(['expected admitted, found refused'])
    expect(toHex(binding)).toHaveLength(128)
  })
})
