import type { RoomState } from '@sotto/client/rooms'
import { type Contract, planRun } from '@sotto/protocol/contract'
import { describe, expect, it } from 'vitest'
import { banks } from '../../../../protocol/test/contract/trainings.ts'
import { bankAndRetailer, named } from '../../../../protocol/test/contract/contracts.ts'
import { usesOf } from '../../../src/pages/rooms/picture.ts'
import { trainingsOf } from '../../../src/pages/rooms/trainings-of.ts'

type Told = Pick<RoomState, 'runs' | 'proposals'>

function told(contracts: Contract[], runs: [run: string, contract: string, transform: string][]): Told {
  return {
    proposals: new Map(contracts.map(named).map((one) => [one.digest, one])),
    runs: new Map(
      runs.map(([run, contract, transform]) => [run, { run, offered: { offer: { contract, transform } } }]),
    ),
  } as unknown as Told
}

describe('trainings of a room', () => {
  const [fraud, offers] = [banks(), bankAndRetailer()]
  const [learning, asking] = [named(fraud).digest, named(offers).digest]

  it('are the runs that train, the newest first', () => {
    const found = trainingsOf(
      told(
        [fraud, offers],
        [
          ['a', learning, 'learn'],
          ['b', asking, 'offers'],
          ['c', learning, 'learn'],
        ],
      ),
    )
    expect(found.map(({ run, named: { contract } }) => [run.run, contract.title])).toEqual([
      ['c', fraud.title],
      ['a', fraud.title],
    ])
  })

  it('are none of a contract or a computation that is not there', () => {
    expect(trainingsOf(told([fraud], [['a', asking, 'learn']]))).toEqual([])
    expect(trainingsOf(told([fraud], [['a', learning, 'other']]))).toEqual([])
  })
})

it('a picture of a contract has what was spent of delta beside what was spent of epsilon', () => {
  const contract = banks()
  const room = { state: undefined } as unknown as Parameters<typeof usesOf>[0]
  const left = [
    { input: 'north', transform: 'learn', runs: 1, epsilonMicros: 15_000_000, deltaTrillionths: 40_000_000 },
    { input: 'public', transform: 'learn', runs: 2 },
  ]
  const view = { left } as unknown as Parameters<typeof usesOf>[2]
  expect(planRun(contract, 'learn').inputs).toHaveLength(4)
  expect(usesOf(room, named(contract), view).spent).toEqual([
    { input: 'north', transform: 'learn', runs: 1, epsilonMicros: 5_000_000, deltaTrillionths: 10_000_000 },
    { input: 'public', transform: 'learn', runs: 0, epsilonMicros: 0 },
  ])
})
