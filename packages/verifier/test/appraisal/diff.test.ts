import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  describeDiff,
  diffPolicies,
  type EvidencePolicy,
  parseEvidencePolicy,
} from '@sotto/verifier/appraisal'
import { policies } from './arbitrary.ts'
import { FAKE_FAMILIES, type FakePolicy } from './fake-families.ts'

const RUNS = process.env['SLOW'] ? 3000 : 200

const FULL: FakePolicy = {
  measurements: ['aa', 'bb'],
  hostData: ['aa'],
  levels: [0, 1],
  tolerated: ['slow'],
  features: ['ecc'],
  allowDebug: false,
  requireSeal: true,
  minimum: 2,
  abi: { major: 1, minor: 2 },
  maximum: 4,
  endorsement: { svn: 2 },
  products: { milan: { firmware: 2 } },
  registers: [{ index: 0, values: ['a0'] }],
}

function policy(snp: object = FULL, changes: object = {}): EvidencePolicy {
  return parseEvidencePolicy(
    {
      version: 1,
      name: 'fleet',
      anyOf: [{ name: 'a', allOf: [{ family: 'sev-snp', ...snp }] }],
      freshness: 'nonce',
      evidenceMaxAgeSeconds: 3600,
      ...changes,
    },
    FAKE_FAMILIES,
  )
}

function without(name: keyof FakePolicy): FakePolicy {
  const { [name]: _, ...rest } = FULL
  return rest
}

const lines = (a: EvidencePolicy, b: EvidencePolicy): string[] =>
  describeDiff(diffPolicies(a, b, FAKE_FAMILIES))
const at = (member: string): string => `(a.sev-snp.${member})`

/** Every member of every kind, each change both ways: one sentence, and the opposite one on the way back. */
const EDITS: readonly [name: string, edited: FakePolicy, admits: string, refuses: string][] = [
  ['a value less', { ...FULL, measurements: ['aa'] }, '', `${at('measurements')}: MEASUREMENT bb`],
  [
    'a value more',
    { ...FULL, measurements: ['aa', 'bb', 'cc'] },
    `${at('measurements')}: MEASUREMENT cc`,
    '',
  ],
  ['no list', without('measurements'), `${at('measurements')}: every other MEASUREMENT`, ''],
  [
    'an end of a value',
    { ...FULL, measurements: ['aa', { value: 'bb', notAfter: 86_400 } as never] },
    '',
    `${at('measurements')}: MEASUREMENT bb from 1970-01-02T00:00:01Z`,
  ],
  [
    'a beginning of a value',
    { ...FULL, measurements: ['aa', { value: 'bb', notBefore: 86_400 } as never] },
    '',
    `${at('measurements')}: MEASUREMENT bb until 1970-01-01T23:59:59Z`,
  ],
  ['a default instead', without('levels'), '', `${at('levels')}: level 1`],
  ['one laxer than the default', { ...FULL, levels: [0, 1, 2] }, `${at('levels')}: level 2`, ''],
  [
    'something tolerated more',
    { ...FULL, tolerated: ['slow', 'old'] },
    `${at('tolerated')}: problem old`,
    '',
  ],
  ['nothing tolerated', without('tolerated'), '', `${at('tolerated')}: problem slow`],
  ['a demand less', without('features'), `${at('features')}: evidence without feature ecc`, ''],
  [
    'a demand more',
    { ...FULL, features: ['ecc', 'tsme'] },
    '',
    `${at('features')}: evidence without feature tsme`,
  ],
  ['a permission', { ...FULL, allowDebug: true }, `${at('allowDebug')}: guests in debug mode`, ''],
  ['no seal', without('requireSeal'), `${at('requireSeal')}: evidence without a seal`, ''],
  ['a lower floor', { ...FULL, minimum: 1 }, `${at('minimum')}: SVN below 2, down to 1`, ''],
  ['a higher floor', { ...FULL, minimum: 3 }, '', `${at('minimum')}: SVN below 3, down to 2`],
  ['no floor', without('minimum'), `${at('minimum')}: SVN below 2, down to 0`, ''],
  [
    'a lower version',
    { ...FULL, abi: { major: 1, minor: 1 } },
    `${at('abi')}: ABI below 1.2, down to 1.1`,
    '',
  ],
  [
    'a higher version',
    { ...FULL, abi: { major: 2, minor: 0 } },
    '',
    `${at('abi')}: ABI below 2.0, down to 1.2`,
  ],
  ['no version', without('abi'), `${at('abi')}: ABI below 1.2`, ''],
  ['a higher ceiling', { ...FULL, maximum: 5 }, `${at('maximum')}: age above 4, up to 5`, ''],
  ['no ceiling', without('maximum'), `${at('maximum')}: age above 4`, ''],
  ['no endorsement', without('endorsement'), `${at('endorsement')}: evidence without an endorsement`, ''],
  [
    'an older endorsement',
    { ...FULL, endorsement: {} },
    `${at('endorsement.svn')}: its SVN below 2, down to 0`,
    '',
  ],
  [
    'a product more',
    { ...FULL, products: { milan: { firmware: 2 }, genoa: {} } },
    `${at('products.genoa')}: product genoa`,
    '',
  ],
  ['any product', without('products'), `${at('products')}: every product`, ''],
  [
    'older firmware of a product',
    { ...FULL, products: { milan: {} } },
    `${at('products.milan.firmware')}: firmware below 2`,
    '',
  ],
  ['a register less', without('registers'), `${at('registers.0')}: evidence whatever its register 0 is`, ''],
  [
    'another value of a register',
    { ...FULL, registers: [{ index: 0, values: ['a0', 'a1'] }] },
    `${at('registers.0.values')}: value a1`,
    '',
  ],
]

/** Widening to everything is told as everything else; narrowing from it as all but those. */
function narrowed(sentence: string): string {
  return sentence
    .replace(/every other (\w+)$/, 'every $1 but those listed')
    .replace(/every product$/, 'every product but those named')
}

describe('the difference of two policies', () => {
  it.each(EDITS)('is told for %s', (_, edited, admits, refuses) => {
    const told = (newlyAdmits: string, newlyRefuses: string): string[] => [
      ...(newlyAdmits === '' ? [] : [`newly admits ${newlyAdmits}`]),
      ...(newlyRefuses === '' ? [] : [`newly refuses ${newlyRefuses}`]),
    ]
    expect(lines(policy(), policy(edited))).toEqual(told(admits, refuses))
    expect(lines(policy(edited), policy())).toEqual(told(refuses, narrowed(admits)))
  })

  it('covers every member of the family', () => {
    const members = Object.keys(FAKE_FAMILIES.get('sev-snp')!.members)
    const told = EDITS.flatMap(([, , admits, refuses]) => [admits, refuses])
    for (const member of members.filter((name) => name !== 'hostData'))
      expect(told.some((sentence) => sentence.includes(`.${member}`))).toBe(true)
  })

  it.each<[string, object, string[]]>([
    ['a name', { name: 'other' }, ['changes nothing: the policy fleet is now called other']],
    [
      'the freshness',
      { freshness: 'age' },
      ['newly admits (freshness): evidence that is bound to no value handed out for this check'],
    ],
    [
      'the age of evidence',
      { evidenceMaxAgeSeconds: 7200 },
      ['newly admits (evidenceMaxAgeSeconds): evidence with an age above 1 h, up to 2 h'],
    ],
    [
      'the age of revocation lists',
      { revocationMaxAgeSeconds: 86_400 * 7 },
      ['newly refuses (revocationMaxAgeSeconds): revocation lists with an age above 7 d'],
    ],
  ])('is told for %s', (_, changes, expected) => {
    expect(lines(policy(), policy(FULL, changes))).toEqual(expected)
  })

  it('is told for windows of tuples', () => {
    const tuple = policy().anyOf[0]!
    const ending = policy(FULL, { anyOf: [{ ...tuple, notAfter: 86_400 }] })
    expect(lines(policy(), ending)).toEqual([
      'newly refuses (a): everything of this tuple from 1970-01-02T00:00:01Z',
    ])
  })

  it('is told for tuples, and says when another tuple admits the same anyway', () => {
    const narrow = { name: 'narrow', allOf: [{ family: 'sev-snp', measurements: ['aa'], hostData: ['aa'] }] }
    const wide = { name: 'wide', allOf: [{ family: 'sev-snp', measurements: ['aa', 'bb'] }] }
    const other = { name: 'other', allOf: [{ family: 'tdx', measurements: ['aa'] }] }
    const of = (...anyOf: object[]): EvidencePolicy => policy(FULL, { anyOf })
    expect(lines(of(wide), of(wide, other))).toEqual([
      'newly admits (other): evidence of tdx under the new tuple other',
    ])
    expect(lines(of(wide, other), of(wide))).toEqual([
      'newly refuses (other): evidence of tdx under the removed tuple other',
    ])
    expect(lines(of(wide), of(wide, narrow))).toEqual([
      'changes nothing: evidence of sev-snp under the new tuple narrow; tuple wide admitted that already',
    ])
    expect(lines(of(wide, narrow), of(wide))).toEqual([
      'changes nothing: evidence of sev-snp under the removed tuple narrow; tuple wide still admits that',
    ])
    expect(lines(of(wide), of({ ...wide, name: 'renamed' }))).toEqual([
      'changes nothing: tuple wide is now called renamed',
    ])
    expect(lines(of(wide), of({ ...other, name: 'wide' }))).toEqual([
      'newly admits (wide): evidence of tdx under the new tuple wide',
      'newly refuses (wide): evidence of sev-snp under the removed tuple wide',
    ])
  })

  it('is told for the number of GPUs', () => {
    const gpus = (minGpus: number, maxGpus: number): EvidencePolicy =>
      policy(FULL, {
        anyOf: [
          {
            name: 'a',
            allOf: [{ family: 'sev-snp' }, { family: 'nvidia' }],
            gpuBinding: { minGpus, maxGpus },
          },
        ],
      })
    expect(lines(gpus(1, 1), gpus(2, 8))).toEqual([
      'newly admits (a.gpuBinding.maxGpus): number of GPUs above 1, up to 8',
      'newly refuses (a.gpuBinding.minGpus): number of GPUs below 2, down to 1',
    ])
  })

  it('means nothing by order and written-out defaults', () => {
    const written = { ...FULL, measurements: ['bb', 'aa'] }
    expect(lines(policy(), policy(written))).toEqual([])
    expect(lines(policy({}), policy({ levels: [0], tolerated: [], allowDebug: false, minimum: 0 }))).toEqual(
      [],
    )
  })

  it('turns around when the policies do', () => {
    fc.assert(
      fc.property(policies, policies, (a, b) => {
        const [there, back] = [diffPolicies(a, b, FAKE_FAMILIES), diffPolicies(b, a, FAKE_FAMILIES)]
        expect(there.admits.length > 0).toBe(back.refuses.length > 0)
        expect(there.refuses.length > 0).toBe(back.admits.length > 0)
      }),
      { numRuns: RUNS },
    )
  })
})
