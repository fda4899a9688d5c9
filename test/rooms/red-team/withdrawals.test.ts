import { type ContractEvent, RUN_TYPES } from '@sotto/protocol/contract'
import { expect, it } from 'vitest'
import { runAttacks } from './support/attack.ts'
import { RoomScene } from './support/room-scene.ts'
import { WITHDRAWAL_ATTACKS } from './withdrawals.attacks.ts'

runAttacks('a contract that ends while a run is under way', WITHDRAWAL_ATTACKS, () => RoomScene.letters())

it('a party that takes back that its contract is logged is not in the log from then on, and its budget counts', async () => {
  const scene = await RoomScene.letters()
  const { world } = scene.lab
  try {
    await world.ok(world.withdraw('bank', 'logging'))
    const { logEntries } = scene.mark()
    expect(await scene.run()).toMatchObject({ state: 'done' })
    const later = world.logged<ContractEvent>(RUN_TYPES.event).filter(({ index }) => index >= logEntries)
    expect(later).toEqual([])
    expect((await world.show('bank')).left.map(({ runs }) => runs)).toEqual([999, 999])
  } finally {
    await scene.close()
  }
})
