import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toHex } from '@sotto/protocol/bytes'
import {
  type Argument,
  type Contract,
  planRun,
  requireConsents,
  runDigest,
  runInfo,
  type RunOffer,
  signPartyDocument,
  type SqlTask,
  verifyOffer,
} from '@sotto/protocol/contract'
import type { DsseSigner } from '@sotto/protocol/dsse'
import {
  ARCHIVE,
  BANK,
  bankAndRetailer,
  changedBy,
  consentTo,
  everything,
  LATER,
  MODELLER,
  named,
  NOW,
  offerOf,
  output,
  READER,
  RETAILER,
  sql,
  summaries,
  transform,
  uses,
} from './contracts.ts'

const code = (name: string): unknown => expect.objectContaining({ code: name })
const BOTH = named(bankAndRetailer())
const ARGUMENTS = [
  { name: 'region', value: 'north' },
  { name: 'age', value: '30' },
]
const offers = (change: Partial<RunOffer> = {}): RunOffer =>
  offerOf(BOTH, 'offers', { template: 'by-region', arguments: ARGUMENTS, ...change })
const verify = (offer: RunOffer, now = NOW + 20, one = BOTH): unknown => verifyOffer(offer, one, now)

describe('an offer', () => {
  it('that the contract allows is a plan', () => {
    expect(verify(offers())).toEqual(planRun(BOTH.contract, 'offers'))
    const letters = named(summaries())
    expect(verify(offerOf(letters, 'summarise'), NOW + 20, letters)).toEqual(
      planRun(letters.contract, 'summarise'),
    )
    const all = named(everything())
    expect(verify(offerOf(all, 'packed'), NOW + 20, all)).toEqual(planRun(all.contract, 'packed'))
  })

  it.each<[string, RunOffer]>([
    ['other-contract: another contract', offers({ contract: 'ef'.repeat(32) })],
    ['other-kms: another KMS', offers({ genesis: 'ef'.repeat(32) })],
  ])('is refused of %s', (_, offer) => {
    expect(() => verify(offer)).toThrow(code('CONTRACT_OTHER'))
  })

  it('future-offer: is valid from when it was made, by any clock a minute off, until its end', () => {
    const { at, notAfter } = offers()
    for (const now of [at - 60, at, notAfter - 1]) verify(offers(), now)
    for (const now of [at - 61, notAfter, notAfter + 1, LATER])
      expect(() => verify(offers(), now), `${now}`).toThrow(code('CONTRACT_EXPIRED'))
  })

  const [customers, purchases] = offers().inputs as [RunOffer['inputs'][0], RunOffer['inputs'][0]]
  it.each<[string, Partial<RunOffer>]>([
    ['unknown-transform: no transform of the contract', { transform: 'others' }],
    ['input-as-transform: an input in the place of a transform', { transform: 'customers' }],
    ['prototype-transform: a member of every object', { transform: 'constructor' }],
    ['no-template: no template', { template: undefined as never }],
    ['unknown-template: no template of the transform', { template: 'by-age' }],
    [
      'swapped-data: other content than was agreed on',
      { inputs: [{ ...customers, content: '00'.repeat(32) }, purchases] },
    ],
    ['missing-input: an input too few', { inputs: [customers] }],
    ['extra-input: an input too many', { inputs: [customers, purchases, { ...purchases, input: 'others' }] }],
    ['swapped-inputs: inputs in another order', { inputs: [purchases, customers] }],
    [
      'renamed-input: the file of one input for another',
      { inputs: [purchases, { ...customers, input: 'purchases' }] },
    ],
    ['missing-argument: an argument too few', { arguments: ARGUMENTS.slice(1) }],
    ['extra-argument: an argument too many', { arguments: [...ARGUMENTS, { name: 'limit', value: '1' }] }],
    ['argument-order: arguments in another order', { arguments: ARGUMENTS.toReversed() }],
    [
      'argument-case: an argument in another case',
      { arguments: [{ name: 'Region', value: 'north' }, ARGUMENTS[1]!] },
    ],
    ['argument-twice: one argument twice', { arguments: [ARGUMENTS[0]!, ARGUMENTS[0]!] }],
    [
      'prototype-argument: a member of every object',
      { arguments: [{ name: 'constructor', value: 'north' }, ARGUMENTS[1]!] },
    ],
  ])('is refused with %s', (_, change) => {
    expect(() => verify(offers(change))).toThrow(code('CONTRACT_RUN'))
  })

  it('code-arguments: has no template and no arguments where nothing asks for them', () => {
    const letters = named(summaries())
    for (const change of [{ template: 'a' }, { arguments: ARGUMENTS }])
      expect(() => verify(offerOf(letters, 'summarise', change), NOW + 20, letters)).toThrow(
        code('CONTRACT_RUN'),
      )
  })

  it('nothing-released: is refused for a transform whose result is no output', () => {
    const all = named(everything())
    expect(() => verify(offerOf(all, 'counts', { template: 'one' }), NOW + 20, all)).toThrow(
      code('CONTRACT_RUN'),
    )
  })

  it('unstated-input: names every input that is reached through others', () => {
    const all = named(everything())
    const whole = offerOf(all, 'packed')
    for (const at of whole.inputs.keys())
      expect(() => verify({ ...whole, inputs: whole.inputs.toSpliced(at, 1) }, NOW + 20, all)).toThrow(
        code('CONTRACT_RUN'),
      )
  })

  it('quotes no argument in what it says', () => {
    const secret = { arguments: [{ name: 'region', value: 'embarrassing' }, ARGUMENTS[1]!] }
    try {
      verify(offers(secret))
      expect.unreachable()
    } catch (error) {
      expect(JSON.stringify([error, (error as Error).message])).not.toContain('embarrassing')
    }
  })
})

describe('a value of a parameter', () => {
  type Parameter = SqlTask['templates'][number]['parameters'][number]
  const isTaken = (parameter: Parameter, value: string): boolean => {
    const one = changedBy(bankAndRetailer(), (contract: Contract) => {
      const task = contract.transforms[0]!.task as SqlTask
      task.templates[0]!.parameters = [parameter]
    })
    const contract = named(one)
    const given: Argument[] = [{ name: parameter.name, value }]
    try {
      verify(offerOf(contract, 'offers', { template: 'by-region', arguments: given }), NOW + 20, contract)
      return true
    } catch (error) {
      expect(error).toEqual(code('CONTRACT_RUN'))
      return false
    }
  }
  const age: Parameter = { name: 'p', type: 'integer', min: -5, max: 99 }
  const region: Parameter = { name: 'p', type: 'text', oneOf: ['north', 'süd'] }

  it.each<[Parameter, string[]]>([
    [{ name: 'p', type: 'boolean' }, ['true', 'false']],
    [age, ['-5', '0', '99']],
    [{ name: 'p', type: 'integer' }, ['9007199254740991', '-9007199254740991']],
    [{ name: 'p', type: 'number' }, ['0', '-0.5', '12.25', '999999999999999.999999999999999']],
    [{ name: 'p', type: 'date' }, ['2024-02-29', '2026-12-31']],
    [region, ['north', 'süd']],
    [{ name: 'p', type: 'text' }, ["'; DROP TABLE customers; --", '東京', 'x'.repeat(4096)]],
  ])('of %o may be %o', (parameter, values) => {
    for (const value of values) expect(isTaken(parameter, value), value).toBe(true)
  })

  it.each<[Parameter, string[]]>([
    [{ name: 'p', type: 'boolean' }, ['True', '1', 'yes', 'true ']],
    [
      age,
      ['-6', '100', '1e1', '0x10', '01', '+1', '-0', '1.0', ' 1', '1\n', '1_0', '１', 'NaN', '9'.repeat(17)],
    ],
    [{ name: 'p', type: 'integer' }, ['9007199254740992', '-9007199254740993', '1; DROP']],
    [
      { name: 'p', type: 'number' },
      ['1e400', 'Infinity', 'NaN', '.5', '5.', '1,5', '--1', '00.5', '1\n', '0.'.padEnd(20, '1')],
    ],
    [
      { name: 'p', type: 'date' },
      [
        '2026-02-30',
        '2025-02-29',
        '2026-13-01',
        '2026-00-10',
        '2026-1-1',
        '2026-11-29T00:00:00Z',
        '2026-11-29\n',
      ],
    ],
    [region, ['North', 'north ', 'north\u200b', 'su\u0308d', 'ѕüd', '', 'constructor']],
  ])('of %o is not %o', (parameter, values) => {
    for (const value of values) expect(isTaken(parameter, value), value).toBe(false)
  })

  it('is an integer within its bounds, and nothing else', () => {
    fc.assert(
      fc.property(fc.oneof(fc.integer({ min: -200, max: 200 }), fc.maxSafeInteger()), (value) => {
        expect(isTaken(age, `${value}`)).toBe(value >= -5 && value <= 99)
      }),
    )
  })
})

describe('the name of a run', () => {
  it('is another for any other offer', () => {
    const digests = [
      offers(),
      offers({ nonce: '99'.repeat(16) }),
      offers({ wrapKey: offers().receiptKey }),
      offers({ evidence: '00'.repeat(32) }),
      offers({ arguments: [ARGUMENTS[0]!, { name: 'age', value: '31' }] }),
      offers({ notAfter: NOW + 601 }),
    ].map(runDigest)
    expect(new Set(digests).size).toBe(digests.length)
  })

  it('ties what is wrapped to contract and run', () => {
    const run = runDigest(offers())
    const infos = [
      runInfo(offers(), run),
      runInfo(offers({ contract: 'ef'.repeat(32) }), run),
      runInfo(offers({ genesis: 'ef'.repeat(32) }), run),
      runInfo(offers(), 'ef'.repeat(32)),
    ].map(toHex)
    expect(new Set(infos).size).toBe(infos.length)
  })
})

describe('consents', () => {
  const offer = offers()
  const run = runDigest(offer)
  const plan = planRun(BOTH.contract, 'offers')
  const consent = (by: string, signer: DsseSigner, change: object = {}): string =>
    signPartyDocument('consent', consentTo(offer, by, change), signer)
  const good = [consent('bank', BANK), consent('retailer', RETAILER)]
  const require = (consents: string[]): void => requireConsents(run, plan, consents, BOTH)

  it('of every owner are enough, in any order', () => {
    require(good)
    require(good.toReversed())
  })

  it('missing-consent: are needed of every owner', () => {
    for (const some of [[], good.slice(1), good.slice(0, 1)])
      expect(() => require(some)).toThrow(code('CONTRACT_RUN'))
  })

  it('twice-consent: of one party twice are one', () => {
    expect(() => require([good[0]!, good[0]!])).toThrow(code('CONTRACT_RUN'))
    expect(() => require([good[0]!, consent('bank', BANK, { at: NOW + 11 })])).toThrow(code('CONTRACT_RUN'))
  })

  it('replayed-consent: of another run do not count', () => {
    const replayed = consent('bank', BANK, { run: runDigest(offers({ nonce: '99'.repeat(16) })) })
    expect(() => require([replayed, good[1]!])).toThrow(code('CONTRACT_OTHER'))
  })

  it('foreign-consent: to the same run of another contract do not count', () => {
    const foreign = consent('bank', BANK, { contract: 'ef'.repeat(32) })
    expect(() => require([foreign, good[1]!])).toThrow(code('CONTRACT_OTHER'))
  })

  it('borrowed-consent: of one party do not count for another', () => {
    expect(() => require([good[0]!, consent('retailer', BANK)])).toThrow(code('CONTRACT_SIGNATURE'))
    expect(() => require([good[0]!, consent('bank', RETAILER)])).toThrow(code('CONTRACT_SIGNATURE'))
  })

  it('receiver-consent: of receivers take no owner’s place', () => {
    const letters = named(summaries())
    const summarise = offerOf(letters, 'summarise')
    const by = (name: string, signer: DsseSigner): string =>
      signPartyDocument('consent', consentTo(summarise, name), signer)
    const owners = [by('archive', ARCHIVE), by('modeller', MODELLER)]
    const check = (consents: string[]): void =>
      requireConsents(runDigest(summarise), planRun(letters.contract, 'summarise'), consents, letters)
    check([...owners, by('reader', READER)])
    expect(() => check([by('archive', ARCHIVE), by('reader', READER)])).toThrow(code('CONTRACT_RUN'))
  })

  it('indirect-owner: are needed of owners that are reached through others', () => {
    const one = changedBy(bankAndRetailer(), (contract: Contract) => {
      contract.transforms = [
        transform('base', ['customers'], sql()),
        transform('offers', ['base'], sql()),
        transform('spending', ['purchases', 'base'], sql()),
      ]
      contract.inputs[0]!.uses = uses('base', 'offers', 'spending')
      contract.inputs[1]!.uses = uses('spending')
      contract.outputs = [output('spent', 'spending', ['retailer'])]
    })
    const chain = named(one)
    const spent = offerOf(chain, 'spending', { template: 'segments' })
    const own = signPartyDocument('consent', consentTo(spent, 'retailer'), RETAILER)
    expect(() => requireConsents(runDigest(spent), planRun(one, 'spending'), [own], chain)).toThrow(
      code('CONTRACT_RUN'),
    )
  })
})
