import { roomParty } from '@sotto/client/rooms'
import type { Contract, Input } from '@sotto/protocol/contract'
import { describe, expect, it } from 'vitest'
import { banks, open, PRIVACY, training } from '../../../../protocol/test/contract/trainings.ts'
import type { OpenRoom } from '../../../src/pages/rooms/open-room.svelte.ts'
import { bondsOf, objectionsTo, rulesOf } from '../../../src/pages/rooms/rules.ts'

const [shop, bank, stranger] = [8, 9, 10].map((fill) => roomParty(new Uint8Array(32).fill(fill)))
const input: Input = {
  name: 'letters',
  owner: 'shop',
  kind: 'text',
  uses: [{ transform: 'sum', runs: 2, epsilonMicros: 500_000 }],
  rules: {
    receivers: ['bank', 'shop'],
    forbidden: ['iban'],
    minContributors: 10,
    contributor: 'customer',
    noisy: true,
    maxCommonWords: 1,
    review: true,
  },
}
const contract = {
  parties: [bank!.as('bank'), shop!.as('shop')],
  inputs: [input],
  transforms: [],
  outputs: [{ name: 'sums', from: 'sum', receivers: ['bank'], maxBytes: 1 }],
  consent: { logging: true, telemetry: false },
} as unknown as Contract

describe('what is said of a contract before it is signed', () => {
  it('has every rule that an owner made, and none that was not', () => {
    expect(rulesOf(input)).toEqual([
      'what comes of it goes to bank, shop, and to nobody else',
      'never shown: iban',
      'only figures over at least 10 different customer',
      'only results with noise',
      'an output repeats at most 1 word in a row',
      'shop looks at each output before it leaves',
    ])
    const none = { receivers: ['bank'], forbidden: [], minContributors: 1, noisy: false, review: false }
    expect(rulesOf({ owner: 'shop', rules: none })).toHaveLength(1)
    expect(rulesOf({ owner: 'shop', rules: { ...none, contributor: 'customer' } })).toContain(
      'who contributes is told by the column customer',
    )
  })

  it('tells who brings a table what a training may tell of it, and which part of a model it gets', () => {
    const bondsOfBank = (task = training()): string[] =>
      bondsOf({ contract: banks(task) }, 'bank', 'tomorrow')
    const price = `epsilon ${PRIVACY.epsilonMicros / 1e6} at delta 1e-5`
    expect(bondsOfBank()).toEqual(
      expect.arrayContaining([
        'learn may read north 2 times, epsilon 20 at delta 5e-5 in all, each time only if you consent.',
        `learn trains on north, and protects those in it with ${price} a run.`,
        'You receive model, the model.',
        'You receive figures, figures.',
        'You receive told, predictions.',
      ]),
    )
    expect(bondsOfBank().filter((bond) => bond.includes('trains on'))).toHaveLength(1)
    expect(bondsOfBank(open())).toContain(
      'learn trains on north without a guarantee: what it makes may tell of single people in it.',
    )
  })

  it('names what a party is bound by, and what it gets', () => {
    expect(bondsOf({ contract }, 'shop', 'tomorrow')).toEqual([
      'You bring letters, texts.',
      'sum may read letters 2 times, epsilon 0.5 in all, each time only if you consent.',
      'What comes of letters may go to bank, shop.',
      'Events of the contract go into the public log, without content.',
      expect.stringContaining('It holds until tomorrow.'),
    ])
    expect(bondsOf({ contract }, 'bank', 'tomorrow').slice(0, 2)).toEqual([
      'You bring no data.',
      'You receive sums.',
    ])
  })
})

describe('a contract is not signed', () => {
  const objections = (state: object, own = shop!.as('shop')): string[] =>
    objectionsTo({ key: own.key, own, state: { conflicts: [], ...state } } as unknown as OpenRoom, {
      contract,
    })
  const member = (party: NonNullable<typeof bank>, name: string) => [name, { party: party.as(name) }] as const

  it('unless each party is the member of that name, with the same keys', () => {
    expect(objections({ members: new Map([member(bank!, 'bank')]) })).toEqual([])
    expect(objections({ members: new Map() })).toEqual([expect.stringContaining('bank has not joined')])
    expect(objections({ members: new Map([member(stranger!, 'bank')]) })).toEqual([
      expect.stringContaining('other keys'),
    ])
  })

  it('while two keys claim the name of a party', () => {
    const conflicts = [{ party: stranger!.as('bank') }]
    expect(objections({ members: new Map([member(bank!, 'bank')]), conflicts })).toEqual([
      expect.stringContaining('two keys claim the name bank'),
    ])
  })

  it('by somebody whom it does not name, or whose results it would seal to another key', () => {
    const members = new Map([member(bank!, 'bank')])
    expect(objections({ members }, stranger!.as('shop'))).toEqual([expect.stringContaining('no party')])
    const own = { ...shop!.as('shop'), sealTo: stranger!.as('shop').sealTo }
    expect(objections({ members }, own)).toEqual([expect.stringContaining('not yours')])
  })
})
