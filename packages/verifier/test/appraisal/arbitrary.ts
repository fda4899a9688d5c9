import fc from 'fast-check'
import type { AdmissionTuple, EvidencePolicy, Window } from '@sotto/verifier/appraisal'
import type { FakePolicy, FakeReport } from './fake-families.ts'

/** Instants that windows and checks are about: few, so that they meet. */
export const instants: fc.Arbitrary<number> = fc.integer({ min: 1, max: 6 })

const digests = ['aa', 'bb', 'cc'] as const
const digest = fc.constantFrom(...digests)
const small = fc.integer({ min: 0, max: 3 })

const window: fc.Arbitrary<Window> = fc
  .record({ notBefore: instants, notAfter: instants }, { requiredKeys: [] })
  .filter(
    ({ notBefore, notAfter }) => notBefore === undefined || notAfter === undefined || notBefore <= notAfter,
  )

/** A list of distinct values, each with or without a window. */
function entries(values: readonly (string | number)[], min = 1): fc.Arbitrary<unknown[]> {
  return fc
    .subarray([...values], { minLength: min })
    .chain((chosen) =>
      fc.tuple(
        ...chosen.map((value) =>
          window.map((ends) => (Object.keys(ends).length === 0 ? value : { value, ...ends })),
        ),
      ),
    )
}

const floor = fc.record({ firmware: small }, { requiredKeys: [] })

/** At most `max` of these members, so that what they are about is often met. */
function some<T extends object>(
  members: { [Name in keyof T]: fc.Arbitrary<T[Name]> },
  max: number,
): fc.Arbitrary<Partial<T>> {
  return fc
    .subarray(Object.keys(members) as (keyof T)[], { maxLength: max })
    .chain((names) =>
      fc.record(Object.fromEntries(names.map((name) => [name, members[name]]))),
    ) as fc.Arbitrary<Partial<T>>
}

/** A component's members: each there or not. */
export const fakePolicies: fc.Arbitrary<FakePolicy> = some(
  {
    measurements: entries(digests),
    hostData: entries(digests),
    levels: entries([0, 1, 2]),
    tolerated: entries(['slow', 'old'], 0),
    features: fc.subarray(['ecc', 'tsme']),
    allowDebug: fc.boolean(),
    requireSeal: fc.boolean(),
    minimum: small,
    abi: fc.record({ major: small, minor: small }),
    maximum: small,
    endorsement: fc.record({ svn: small }, { requiredKeys: [] }),
    products: fc.record({ milan: floor, genoa: floor }, { requiredKeys: [] }),
    registers: fc.uniqueArray(fc.record({ index: fc.nat(1), values: entries(digests) }), {
      minLength: 1,
      selector: ({ index }) => index,
    }),
  },
  3,
) as fc.Arbitrary<FakePolicy>

const tuple: fc.Arbitrary<AdmissionTuple> = fc
  .record({
    families: fc.subarray(['sev-snp', 'azure-maa'] as const, { minLength: 1 }),
    policies: fc.array(fakePolicies, { minLength: 2, maxLength: 2 }),
    ends: window,
  })
  .map(
    ({ families, policies, ends }) =>
      ({
        name: 'x',
        allOf: families.map((family, index) => ({ family, ...policies[index] })),
        ...ends,
      }) as unknown as AdmissionTuple,
  )

/** Policies of 1 to 3 tuples over two fake families. */
export const policies: fc.Arbitrary<EvidencePolicy> = fc
  .record({
    tuples: fc.uniqueArray(tuple, { minLength: 1, maxLength: 3, selector: (one) => JSON.stringify(one) }),
    freshness: fc.constantFrom('nonce' as const, 'age' as const),
    evidenceMaxAgeSeconds: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ tuples, ...frame }) => ({
    version: 1,
    name: 'p',
    anyOf: tuples.map((one, index) => ({ ...one, name: `t${index}` })),
    ...frame,
  }))

/** Reports close enough to those policies that some are admitted. */
export const reports: fc.Arbitrary<Partial<FakeReport>> = some<FakeReport>(
  {
    measurement: digest,
    hostData: digest,
    level: small,
    problems: fc.subarray(['slow', 'old']),
    features: fc.subarray(['ecc', 'tsme']),
    debug: fc.boolean(),
    sealed: fc.boolean(),
    svn: small,
    abi: fc.tuple(small, small),
    age: small,
    endorsed: small,
    product: fc.constantFrom('milan', 'genoa', 'turin'),
    firmware: small,
    registers: fc.tuple(digest, digest),
  } as never,
  3,
)
