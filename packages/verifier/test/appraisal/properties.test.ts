import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  appraiseEvidence,
  diffPolicies,
  encodeEvidencePolicy,
  type EvidencePiece,
  type EvidencePolicy,
  lintPolicy,
  parseEvidencePolicy,
} from '@sotto/verifier/appraisal'
import { instants, policies, reports } from './arbitrary.ts'
import { binding, bytesOf, FAKE_FAMILIES, fakeEvidence } from './fake-families.ts'

const RUNS = process.env['SLOW'] ? 800 : 150

const evidence: fc.Arbitrary<{ pieces: EvidencePiece[]; at: number; boundAt: number }> = fc
  .record({
    families: fc.subarray(['sev-snp', 'azure-maa'] as const, { minLength: 1 }),
    snp: reports,
    tdx: reports,
    at: instants,
    age: fc.nat(2),
  })
  .map(({ families, at, age, ...of }) => ({
    pieces: families.map((family) => ({
      family,
      evidence: fakeEvidence(binding(), family === 'azure-maa' ? of.tdx : of.snp),
      collateral: {},
    })),
    at,
    boundAt: at - age,
  }))

function admits(
  policy: EvidencePolicy,
  { pieces, at, boundAt }: typeof evidence extends fc.Arbitrary<infer T> ? T : never,
): boolean {
  return appraiseEvidence(pieces, policy, { at, boundAt, expectedReportData: binding() }, FAKE_FAMILIES)
    .admitted
}

const diff = (a: EvidencePolicy, b: EvidencePolicy): ReturnType<typeof diffPolicies> =>
  diffPolicies(a, b, FAKE_FAMILIES)

/** Runs a property and requires that it was about something: that many runs admitted evidence. */
function check(run: (count: () => void) => void): void {
  let counted = 0
  run(() => counted++)
  expect(counted).toBeGreaterThan(0)
}

describe('any policy', () => {
  it('is read back from its canonical bytes, and is well-formed for lint', () => {
    fc.assert(
      fc.property(policies, (policy) => {
        expect(parseEvidencePolicy(encodeEvidencePolicy(policy), FAKE_FAMILIES)).toEqual(policy)
        expect(lintPolicy(policy, 1, FAKE_FAMILIES).filter(({ level }) => level === 'error')).toEqual([])
      }),
      { numRuns: RUNS },
    )
  })

  it('is refused by one error alone once its text is damaged, and lint never throws', () => {
    const edit = fc.record({ at: fc.nat(), length: fc.nat(3), text: fc.string({ maxLength: 3 }) })
    fc.assert(
      fc.property(policies, edit, fc.jsonValue(), (policy, { at, length, text }, value) => {
        const written = JSON.stringify(policy)
        const start = at % written.length
        const damaged = written.slice(0, start) + text + written.slice(start + length)
        for (const document of [damaged, JSON.stringify(value), bytesOf(damaged)]) {
          expect(lintPolicy(document, 1, FAKE_FAMILIES)).toBeInstanceOf(Array)
          try {
            parseEvidencePolicy(document, FAKE_FAMILIES)
          } catch (error) {
            expect(error).toMatchObject({ code: 'POLICY_MALFORMED', action: 'fix-input' })
          }
        }
      }),
      { numRuns: RUNS },
    )
  })

  it('differs from itself in nothing, in whatever order it is written', () => {
    fc.assert(
      fc.property(policies, (policy) => {
        const reordered = { ...policy, anyOf: policy.anyOf.toReversed() }
        const empty = { admits: [], refuses: [], neutral: [] }
        expect(diff(policy, policy)).toEqual(empty)
        expect(diff(policy, reordered)).toEqual(empty)
      }),
      { numRuns: RUNS },
    )
  })

  it('refuses nothing that it admitted once a tuple is added', () => {
    check((count) =>
      fc.assert(
        fc.property(policies, policies, evidence, (policy, other, given) => {
          const added = other.anyOf.map((tuple, index) => ({ ...tuple, name: `n${index}` }))
          const larger = { ...policy, anyOf: [...added, ...policy.anyOf] }
          if (!admits(policy, given)) return
          count()
          expect(admits(larger, given)).toBe(true)
          expect(diff(policy, larger).refuses).toEqual([])
        }),
        { numRuns: RUNS * 2 },
      ),
    )
  })

  it('admits nothing that it refused once a tuple is taken out', () => {
    fc.assert(
      fc.property(
        policies.filter(({ anyOf }) => anyOf.length > 1),
        evidence,
        (policy, given) => {
          const smaller = { ...policy, anyOf: policy.anyOf.slice(1) }
          if (admits(smaller, given)) expect(admits(policy, given)).toBe(true)
          expect(diff(policy, smaller).admits).toEqual([])
        },
      ),
      { numRuns: RUNS },
    )
  })

  it('admits nothing that it refused once an entry of a list is taken out', () => {
    fc.assert(
      fc.property(policies, evidence, fc.nat(), (policy, given, seed) => {
        const smaller = withoutEntry(policy, seed)
        if (smaller === undefined) return
        if (admits(smaller, given)) expect(admits(policy, given)).toBe(true)
        expect(diff(policy, smaller).admits).toEqual([])
      }),
      { numRuns: RUNS },
    )
  })

  it('differs from an edited one in a way that explains every verdict that differs', () => {
    check((count) =>
      fc.assert(
        fc.property(policies, policies, fc.nat(), evidence, (a, other, seed, given) => {
          const b = edited(a, other, seed)
          const [before, after] = [admits(a, given), admits(b, given)]
          const changes = diff(a, b)
          if (before !== after) count()
          if (!before && after) expect(changes.admits).not.toEqual([])
          if (before && !after) expect(changes.refuses).not.toEqual([])
        }),
        { numRuns: RUNS * 10 },
      ),
    )
  }, 120_000)
})

/** The policy with one thing taken from another: a member of a component, an end of a window, an age or the freshness. */
function edited(policy: EvidencePolicy, other: EvidencePolicy, seed: number): EvidencePolicy {
  const copy = structuredClone(policy)
  const [target, source] = [copy.anyOf[seed % copy.anyOf.length]!, other.anyOf[0]!]
  const take = (into: object, from: object, name: string): void => {
    const [to, of] = [into as Record<string, unknown>, from as Record<string, unknown>]
    if (of[name] === undefined) delete to[name]
    else to[name] = of[name]
  }
  if (seed % 7 === 0) take(copy, other, 'freshness')
  else if (seed % 7 === 1) take(copy, other, 'evidenceMaxAgeSeconds')
  else if (seed % 7 === 2) take(target, source, 'notAfter')
  else {
    const [component, taken] = [target.allOf[0]!, source.allOf[0]!]
    const names = [...new Set([...Object.keys(component), ...Object.keys(taken)])].filter(
      (name) => name !== 'family',
    )
    if (names.length > 0) take(component, taken, names[seed % names.length]!)
  }
  return copy
}

/** The policy without one entry of a list that allows or tolerates; undefined where there is none to spare. */
function withoutEntry(policy: EvidencePolicy, seed: number): EvidencePolicy | undefined {
  const copy = structuredClone(policy)
  const components = copy.anyOf.flatMap(({ allOf }) => allOf) as unknown as Record<string, unknown>[]
  const lists = components.flatMap((component) =>
    ['measurements', 'hostData', 'levels', 'tolerated'].flatMap((name) => {
      const list = component[name]
      return Array.isArray(list) && list.length > 1 ? [list] : []
    }),
  )
  if (lists.length === 0) return undefined
  const list = lists[seed % lists.length]!
  list.splice(seed % list.length, 1)
  return copy
}
