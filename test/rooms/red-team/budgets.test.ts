import { expect, it } from 'vitest'
import { RoomWorld } from '../../../packages/kms/test/contracts/room-world.ts'
import { MemoryStore } from '../../../packages/kms/test/store/memory.ts'
import { claim } from '../../claims.ts'
import { BUDGET_ATTACKS } from './budgets.attacks.ts'
import { runAttacks } from './support/attack.ts'
import { RoomScene } from './support/room-scene.ts'

runAttacks(claim('T12.budgets', 'more runs than the owners let'), BUDGET_ATTACKS, () => RoomScene.letters())

it(
  claim(
    ['T11', 'T12.budgets'],
    'a ledger from before a run that the log does not name is refused all the same',
  ),
  async () => {
    const world = await RoomWorld.open()
    await world.prepared()
    await world.ok(world.withdraw('bank', 'logging'))
    const old = new MemoryStore()
    for (const [name, record] of (world.store as MemoryStore).records)
      old.records.set(name, { ...record, value: record.value.slice() })
    await world.run(await world.offer())
    world.store = old
    await expect(world.start()).rejects.toMatchObject({ code: 'KMS_STATE_ROLLED_BACK', action: 'stop' })
  },
)
