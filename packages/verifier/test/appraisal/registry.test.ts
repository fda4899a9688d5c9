import { describe, expect, it } from 'vitest'
import {
  diffPolicies,
  type EvidencePolicy,
  explainPolicy,
  FAMILY_REGISTRY,
  lintPolicy,
  parseEvidencePolicy,
  type PolicyFamily,
  verifyFamily,
} from '@sotto/verifier/appraisal'
import { FAMILIES } from '@sotto/verifier/family'
import { isObject, type Meaning, type Members } from '../../src/appraisal/meaning.ts'
import { FULL_POLICIES } from './full-policies.ts'

/** A policy of one component; a GPU stands beside a processor. */
function policyOf(family: PolicyFamily, own: object): EvidencePolicy {
  const component = { family, ...own }
  const isGpu = family === 'nvidia'
  return parseEvidencePolicy({
    version: 1,
    name: 'p',
    anyOf: [
      {
        name: 't',
        allOf: isGpu ? [{ family: 'sev-snp' }, component] : [component],
        ...(isGpu && { gpuBinding: { minGpus: 1, maxGpus: 8 } }),
      },
    ],
    freshness: 'nonce',
    evidenceMaxAgeSeconds: 3600,
  })
}

/** Every way to take one member out, inner ones too, with its dotted name. */
function* withoutOne(
  policy: Record<string, unknown>,
  members: Members,
): Iterable<[string, Record<string, unknown>]> {
  for (const [name, value] of Object.entries(policy)) {
    const { [name]: _, ...rest } = policy
    const inner = innerMembers(members[name])
    if (inner === undefined || !isObject(value as never)) {
      yield [name, rest]
      continue
    }
    for (const [key, changed] of withoutOne(value as Record<string, unknown>, inner))
      yield [`${name}.${key}`, { ...policy, [name]: changed }]
  }
}

function innerMembers(meaning: Meaning | undefined): Members | undefined {
  return meaning?.is === 'parts' ? meaning.members : undefined
}

describe.each([...FAMILY_REGISTRY.keys()])('the registry entry of %s', (family) => {
  const { members } = FAMILY_REGISTRY.get(family)!
  const full = FULL_POLICIES[family]

  it('gives a meaning to every member of its policy and to no other', () => {
    expect(Object.keys(members).sort()).toEqual(Object.keys(full).sort())
    expect(policyOf(family, full).anyOf[0]!.allOf.at(-1)).toEqual({ family, ...full })
  })

  it.each([...withoutOne(full, members)].filter(([name]) => name !== 'roots'))(
    'tells what leaving out %s changes',
    (name, smaller) => {
      const [a, b] = [policyOf(family, full), policyOf(family, smaller)]
      const { admits, refuses, neutral } = diffPolicies(a, b)
      const changes = [...admits, ...refuses, ...neutral]
      expect(changes.length).toBeGreaterThan(0)
      for (const { path } of changes) expect(`t.${family}.${name}`).toContain(path)
      const back = diffPolicies(b, a)
      expect([back.admits.length > 0, back.refuses.length > 0]).toEqual([
        refuses.length > 0,
        admits.length > 0,
      ])
    },
  )

  it('has something to say about its policy, in one line each', () => {
    const explained = explainPolicy(policyOf(family, full))
    for (const line of explained) expect(line).toMatch(/^[^\n]+\.$/)
    expect(explained.join('\n')).toContain(FAMILY_REGISTRY.get(family)!.trustedParties[0])
    const codes = lintPolicy(policyOf(family, full), 0).map(({ code }) => code)
    expect(codes).not.toContain('malformed')
    if (family !== 'software' && family !== 'azure-cvm') expect(codes).toContain('debug')
  })

  it.each([
    ['no object', [] as unknown as object],
    ['an unknown member', { colour: 'red' }],
    ['a prototype', JSON.parse('{"__proto__":{}}') as object],
  ])('refuses a policy that is %s', (_, policy) => {
    if (family === 'software') return
    const input = { evidence: new Uint8Array(1), collateral: {}, at: 0, policy }
    expect(() => verifyFamily(family, input)).toThrow(
      expect.objectContaining({ code: 'POLICY_MALFORMED', action: 'fix-input' }),
    )
  })

  it('refuses what is no evidence, without throwing, and never by the binding alone', () => {
    const { verify, decodePolicy, binding } = FAMILY_REGISTRY.get(family)!
    const own = family === 'software' ? { roots: ['aa'.repeat(32)] } : {}
    for (const evidence of [new Uint8Array(0), new Uint8Array(5000), new TextEncoder().encode('{}')]) {
      const verdict = verify({
        evidence,
        collateral: { x: new Uint8Array(3) },
        at: 1,
        policy: decodePolicy(own, 'policy'),
        expectedReportData: binding.expectation(new Uint8Array(64)),
      })
      expect([verdict.family, verdict.authentic, verdict.acceptable]).toEqual([family, false, false])
      expect(verdict.steps.find(({ name }) => name === binding.step)?.status).not.toBe('pass')
    }
  })
})

describe('the registry', () => {
  it('has every family that this version knows, and the software TEE', () => {
    expect([...FAMILY_REGISTRY.keys()].sort()).toEqual([...FAMILIES, 'software'].sort())
  })
})
