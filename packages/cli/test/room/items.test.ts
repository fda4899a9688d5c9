import type { RoomRun, RoomState } from '../../../client/src/rooms/index.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { askedOf } from '../../src/room/arguments.ts'
import { findContract, findItem, findRun } from '../../src/room/items.ts'
import { bankAndRetailer, everything } from '../../../protocol/test/contract/contracts.ts'

/** A board of contracts and runs of these digests. */
function stateOf(contracts: readonly string[], runs: readonly string[]): RoomState {
  return {
    members: new Map(),
    conflicts: [],
    proposals: new Map(contracts.map((digest) => [digest, { digest } as never])),
    runs: new Map(runs.map((run) => [run, { run } as RoomRun])),
    unreadable: [],
    unproven: [],
  }
}

const A = `${'3f8a91'.padEnd(63, '0')}1`
const B = `${'3f8a91'.padEnd(63, '0')}2`

describe('the beginning of a digest', () => {
  it('finds a contract or a run, and says which of them it is', () => {
    const state = stateOf([A], ['ab'.repeat(32)])
    expect(findItem(state, '3f8a91')).toMatchObject({ kind: 'contract', contract: { digest: A } })
    expect(findItem(state, 'ababab')).toMatchObject({ kind: 'run', run: { run: 'ab'.repeat(32) } })
    expect(findContract(state, A)).toMatchObject({ digest: A })
    expect(findRun(state, 'ababababab')).toMatchObject({ run: 'ab'.repeat(32) })
  })

  it.each([
    ['two contracts', stateOf([A, B], [])],
    ['two runs', stateOf([], [A, B])],
    ['a contract and a run', stateOf([A], [B])],
  ])('is refused where it is that of %s, with both of them', (_what, state) => {
    expect(() => findItem(state, '3f8a91')).toThrow(
      expect.objectContaining({ code: 'ROOM_ITEM', found: `${A}, ${B}`, hint: 'give more digits' }),
    )
    expect(findItem(state, B)).toBeDefined()
  })

  it('never stands for another kind of item', () => {
    expect(() => findRun(stateOf([A], []), '3f8a91')).toThrow(expect.objectContaining({ code: 'ROOM_ITEM' }))
    expect(() => findContract(stateOf([], [A]), '3f8a91')).toThrow(
      expect.objectContaining({ code: 'ROOM_ITEM' }),
    )
  })

  it('finds exactly what begins so, whatever else is there', () => {
    const digit = fc.constantFrom(...'01')
    const digest = fc.string({ unit: digit, minLength: 64, maxLength: 64 })
    fc.assert(
      fc.property(
        fc.uniqueArray(digest, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 6, max: 64 }),
        (all, length) => {
          const prefix = all[0]!.slice(0, length)
          const state = stateOf(all.slice(0, 5), all.slice(5))
          const fitting = all.filter((one) => one.startsWith(prefix))
          if (fitting.length > 1) expect(() => findItem(state, prefix)).toThrow(/more than one/)
          else expect(findItem(state, prefix)).toBeDefined()
        },
      ),
    )
  })

  it.each(['', '3f8a9', '3F8A91', 'g'.repeat(6), 'a'.repeat(65), '../../', '3f8a91 '])(
    'is not %j',
    (prefix) => {
      expect(() => findItem(stateOf([A], []), prefix)).toThrow(expect.objectContaining({ code: 'CLI_USAGE' }))
    },
  )
})

describe('what a run is asked for with', () => {
  it('is in the order of the parameters, whatever that of the flags', () => {
    expect(askedOf(bankAndRetailer(), 'offers', { set: ['age=30', 'region=a=b'] })).toEqual({
      transform: 'offers',
      template: 'by-region',
      arguments: [
        { name: 'region', value: 'a=b' },
        { name: 'age', value: '30' },
      ],
    })
  })

  it('has neither template nor values where it is no query', () => {
    expect(askedOf(everything(), 'labelled', {})).toEqual({ transform: 'labelled', arguments: [] })
    for (const more of [{ template: 'one' }, { set: ['a=1'] }])
      expect(() => askedOf(everything(), 'labelled', more)).toThrow(/is no query/)
  })

  it('names a template where there are several', () => {
    const contract = bankAndRetailer()
    const { task } = contract.transforms[0]!
    if (task.kind === 'sql') task.templates.push({ name: 'all', sql: 'SELECT 1', parameters: [] })
    expect(() => askedOf(contract, 'offers', {})).toThrow(
      expect.objectContaining({ code: 'CLI_USAGE', expected: 'by-region, all' }),
    )
    expect(askedOf(contract, 'offers', { template: 'all' })).toMatchObject({ template: 'all', arguments: [] })
  })
})
