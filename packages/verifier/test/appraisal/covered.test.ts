import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type AdmissionTuple,
  appraiseEvidence,
  type EvidencePiece,
  FAMILY_REGISTRY,
  isCovered,
  type Members,
  type PolicyFamily,
} from '@sotto/verifier/appraisal'
import { policies, reports } from './arbitrary.ts'
import { ALLOW_ALL_CCE_POLICY, BENCHES, hex } from './covered-benches.ts'
import { binding, FAKE_FAMILIES, fakeEvidence } from './fake-families.ts'

const RUNS = process.env['SLOW'] ? 20_000 : 1500

const tuple = (family: PolicyFamily, members: object): AdmissionTuple =>
  ({ name: 't', allOf: [{ family, ...members }] }) as AdmissionTuple
const covers = (family: PolicyFamily, outer: object, inner: object): boolean =>
  isCovered(tuple(family, inner), tuple(family, outer), (name) => FAMILY_REGISTRY.get(name)!.members)

describe('a tuple that covers another one, of fake families', () => {
  const membersOf = (family: PolicyFamily): Members => FAKE_FAMILIES.get(family)!.members
  // Between whole seconds too.
  const at = fc.integer({ min: 0, max: 28 }).map((quarters) => quarters / 4)

  /** The tuple with up to two members of its components, or its window, as another one has them. */
  const edited = (inner: AdmissionTuple, other: AdmissionTuple, seeds: readonly number[]): AdmissionTuple => {
    const copy = structuredClone(inner) as unknown as Record<string, unknown> & {
      allOf: Record<string, unknown>[]
    }
    const from = other as unknown as typeof copy
    const take = (to: Record<string, unknown>, of: Record<string, unknown>, name: string): void => {
      if (of[name] === undefined) delete to[name]
      else to[name] = of[name]
    }
    for (const seed of seeds) {
      const component = copy.allOf[seed % copy.allOf.length]!
      const taken = from.allOf[seed % from.allOf.length]!
      const names = [...new Set([...Object.keys(component), ...Object.keys(taken)])].filter(
        (name) => name !== 'family',
      )
      if (seed % 5 === 0) for (const name of ['notBefore', 'notAfter']) take(copy, from, name)
      else if (names.length > 0) take(component, taken, names[seed % names.length]!)
    }
    return copy as unknown as AdmissionTuple
  }

  it('admits whatever the other one admits', () => {
    let [covered, admitted] = [0, 0]
    fc.assert(
      fc.property(
        policies,
        policies,
        fc.array(fc.nat(), { maxLength: 2 }),
        fc.array(fc.tuple(reports, reports, at), { minLength: 4, maxLength: 4 }),
        ({ anyOf: [inner] }, { anyOf: [other] }, seeds, given) => {
          const outer = edited(inner!, other!, seeds)
          if (!isCovered(inner!, outer, membersOf)) return
          covered++
          for (const [snp, tdx, time] of given) {
            const pieces = inner!.allOf.map(({ family }): EvidencePiece => ({
              family,
              evidence: fakeEvidence(binding(), family === 'azure-maa' ? tdx : snp),
              collateral: {},
            }))
            const admits = (of: AdmissionTuple): boolean =>
              appraiseEvidence(
                pieces,
                { version: 1, name: 'p', anyOf: [of], freshness: 'nonce', evidenceMaxAgeSeconds: 60 },
                { at: time, boundAt: time, expectedReportData: binding() },
                FAKE_FAMILIES,
              ).admitted
            if (!admits(inner!)) continue
            admitted++
            expect(admits(outer), JSON.stringify([inner, outer, time])).toBe(true)
          }
        },
      ),
      { numRuns: RUNS },
    )
    expect(covered).toBeGreaterThan(RUNS / 10)
    expect(admitted).toBeGreaterThan(RUNS / 20)
  }, 120_000)

  it.each<[string, object, object]>([
    [
      'one key several times',
      {
        registers: [
          { index: 0, values: ['aa'] },
          { index: 0, values: ['bb'] },
        ],
      },
      { registers: [{ index: 0, values: ['bb'] }] },
    ],
    ['entries that are none', { products: { milan: 1 } }, { products: { milan: {} } }],
    ['no object', { products: 'milan' }, { products: { milan: {} } }],
    ['parts that are none', { endorsement: 'x' }, { endorsement: {} }],
    ['a floor that is no number', { minimum: 'x' }, { minimum: 1 }],
    ['a ceiling that is no number', { maximum: 'x' }, { maximum: 1 }],
    ['a version with an empty part', { minimum: '1..2' }, { minimum: '1.0.2' }],
    ['an unknown member', { extra: 1 }, {}],
    ['a member that objects inherit', JSON.parse('{"__proto__":{}}') as object, {}],
    ['a word that stands for anything', { levels: 'any' }, { levels: [1] }],
    [
      'a window that begins at 0',
      { measurements: [{ value: 'aa', notBefore: 0 }] },
      { measurements: ['aa'] },
    ],
    ['a demand of a part', { endorsement: {} }, {}],
  ])('is none for %s', (_what, outer, inner) => {
    expect(isCovered(tuple('sev-snp', inner), tuple('sev-snp', outer), membersOf)).toBe(false)
  })

  it('admits between two windows that follow each other', () => {
    const parts = [
      { value: 'aa', notAfter: 10 },
      { value: 'aa', notBefore: 11 },
    ]
    const [inner, outer] = [{ measurements: ['aa'] }, { measurements: parts }].map((members) =>
      tuple('sev-snp', members),
    )
    expect(isCovered(inner!, outer!, membersOf)).toBe(true)
    for (const time of [10, 10.5, 11])
      expect(
        appraiseEvidence(
          [{ family: 'sev-snp', evidence: fakeEvidence(binding()), collateral: {} }],
          { version: 1, name: 'p', anyOf: [outer!], freshness: 'nonce', evidenceMaxAgeSeconds: 60 },
          { at: time, boundAt: time, expectedReportData: binding() },
          FAKE_FAMILIES,
        ).admitted,
      ).toBe(true)
  })

  it('is none that is no tuple', () => {
    const twice = { name: 't', allOf: [{ family: 'tdx' }, { family: 'tdx' }] } as unknown as AdmissionTuple
    expect(isCovered(twice, twice, membersOf)).toBe(false)
  })
})

describe('a tuple that covers another one, of real families under fake authorities', () => {
  it.each(Object.keys(BENCHES) as (keyof typeof BENCHES)[])(
    'admits whatever the other one admits (%s)',
    (family) => {
      const { evidence, verify, pool } = BENCHES[family]()
      const inputs = evidence.map((one) => one())
      const policy = fc.record(
        Object.fromEntries(Object.entries(pool).map(([name, values]) => [name, fc.constantFrom(...values)])),
        { requiredKeys: [] },
      ) as fc.Arbitrary<Record<string, unknown>>
      const known = new Map<string, boolean>()
      const accepts = (index: number, of: object): boolean => {
        const key = `${index} ${JSON.stringify(of)}`
        const found = known.get(key) ?? verify({ ...inputs[index]!, policy: of }).acceptable
        known.set(key, found)
        return found
      }
      let [covered, admitted] = [0, 0]
      const check = (inner: object, outer: object): void => {
        if (!covers(family, outer, inner)) return
        covered++
        for (const index of inputs.keys()) {
          if (!accepts(index, inner)) continue
          admitted++
          expect(accepts(index, outer), JSON.stringify([index, inner, outer])).toBe(true)
        }
      }
      // Every member against none, itself and its other values, and then several at once.
      for (const [name, values] of Object.entries(pool))
        for (const a of [undefined, ...values])
          for (const b of [undefined, ...values])
            check(a === undefined ? {} : { [name]: a }, b === undefined ? {} : { [name]: b })
      const few = fc.subarray(Object.keys(pool), { maxLength: 2 })
      fc.assert(
        fc.property(policy, policy, few, few, (inner, other, left, changed) => {
          const start = Object.fromEntries(Object.entries(inner).filter(([name]) => left.includes(name)))
          const outer: Record<string, unknown> = { ...start }
          for (const name of changed) {
            if (other[name] === undefined) delete outer[name]
            else outer[name] = other[name]
          }
          check(start, outer)
        }),
        { numRuns: 300 },
      )
      expect(covered).toBeGreaterThan(50)
      expect(admitted).toBeGreaterThan(50)
    },
    120_000,
  )

  it.each<[PolicyFamily, object, object, boolean]>([
    ['sev-snp', {}, { hostData: [hex(32, 2)] }, true],
    ['sev-snp', {}, { hostData: [ALLOW_ALL_CCE_POLICY] }, false],
    ['azure-cvm', {}, { snp: { hostData: [ALLOW_ALL_CCE_POLICY] } }, false],
    ['sev-snp', {}, { uvm: {} }, true],
    ['sev-snp', {}, { uvm: { feed: 'other' } }, false],
    ['sev-snp', { uvm: { feed: 'any' } }, { uvm: { feed: 'other' } }, false],
    // Registers need a proof of the paravisor: whose measurement is left out accepts none.
    [
      'azure-cvm',
      { pcrs: { '4': [hex(32, 1)] } },
      { pcrs: { '4': [hex(32, 1)] }, snp: { measurements: [hex(48, 1)] } },
      false,
    ],
    ['azure-cvm', { pcrs: {} }, {}, false],
    ['azure-cvm', {}, { pcrs: { '4': [hex(32, 1)] }, snp: { measurements: [hex(48, 1)] } }, true],
    [
      'azure-cvm',
      { snp: { measurements: [hex(48, 1), hex(48, 2)] } },
      { snp: { measurements: [hex(48, 1)] }, requireFreshReport: true },
      true,
    ],
    ['nvidia', { minimumDriverVersion: '550.90.0' }, { minimumDriverVersion: '550.90' }, false],
    ['nvidia', { minimumDriverVersion: '550.90' }, { minimumDriverVersion: '550.90.0' }, true],
    ['nvidia', {}, { nrasKeys: [{ kid: 'k' }] }, false],
  ])('%s %j covers %j: %s', (family, outer, inner, expected) => {
    const beside = (members: object): AdmissionTuple =>
      family === 'nvidia'
        ? ({
            name: 't',
            allOf: [{ family: 'nitro' }, { family, ...members }],
            gpuBinding: { minGpus: 1, maxGpus: 1 },
          } as AdmissionTuple)
        : tuple(family, members)
    const found = isCovered(beside(inner), beside(outer), (name) => FAMILY_REGISTRY.get(name)!.members)
    expect(found).toBe(expected)
  })
})
