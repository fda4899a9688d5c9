import { toBase64Url } from '@sotto/protocol/bytes'
import { type ContractEvent, RUN_TYPES } from '@sotto/protocol/contract'
import { expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { disturb, FaultDrill, type Recovery } from '../fault-drill.ts'
import { MemoryStore } from '../store/memory.ts'
import { ARTIFACTS, BANK, contractOf, RoomWorld, SHOP } from './room-world.ts'

/** A life in which a contract is agreed on, and runs twice; a third run is more than its budget. */
class ContractLife extends FaultDrill<RoomWorld> {
  constructor(recovery: Recovery) {
    super(recovery, new RoomWorld())
  }

  async run(): Promise<void> {
    const { world } = this
    await this.step(() => world.start())
    const policy = world.roomProposal()
    await this.step(() => world.acceptPolicy(policy))
    const owners = world.draft('owners', { owners: [world.owner(BANK), world.owner(SHOP)] })
    await this.step(() => world.decide(owners))
    const contract = contractOf(world.genesis, world.now)
    const inputs = contract.inputs.map((input) => ({ ...input, uses: [{ transform: 'overlap', runs: 2 }] }))
    world.use({ ...contract, inputs })
    for (const party of ['bank', 'shop']) await this.step(() => world.ok(world.accept(party)))
    for (const input of ['accounts', 'purchases'] as const) {
      await this.step(() => world.giveKey(input))
      await this.step(() => world.ok(world.data(input)))
    }
    for (let n = 0; n < 2; n++) {
      const run = await world.offer()
      await this.step(async () => {
        const { keys } = await world.run(run)
        expect(keys.artifacts[0]!.contentKey).toBe(toBase64Url(ARTIFACTS.accounts.key))
      })
      await this.step(() => world.ok(world.result(run)))
    }
  }

  async verify(): Promise<void> {
    const { world } = this
    const shown = await world.show('bank')
    expect(shown).toMatchObject({ phase: 'running', runs: 2 })
    expect(shown.left.map(({ runs }) => runs)).toEqual([0, 0])
    expect(await world.code(world.asking(await world.offer()))).toBe('CONTRACT_BUDGET')
    const events = world.logged<ContractEvent>(RUN_TYPES.event).map(({ document }) => document.event)
    // Another boot signs the same event anew: it may be there twice, and is never missing.
    expect([...new Set(events)]).toEqual(['accepted', 'data', 'run', 'released'])
    expect(events.filter((event) => event === 'run').length).toBeGreaterThanOrEqual(2)
  }
}

const begin = (recovery: Recovery): ContractLife => new ContractLife(recovery)

// Writes that happen before owners are admitted are of every life: see ../faults.test.ts.
test(
  claim('T12.budgets', 'a store that breaks at any one write charges no run twice, and none for nothing'),
  { timeout: 300_000 },
  () => disturb({ begin, write: 'commit', from: 9, atLeast: 16 }),
)

test(
  claim('T12.budgets', 'a log that breaks at any one append charges no run twice, and none for nothing'),
  { timeout: 300_000 },
  () => disturb({ begin, write: 'append', from: 6, atLeast: 12 }),
)

test(
  claim(['T11', 'T12.budgets'], 'a ledger from before a run is refused: the log knows of the run'),
  async () => {
    const world = await RoomWorld.open()
    await world.prepared()
    const old = new MemoryStore()
    for (const [name, record] of (world.store as MemoryStore).records)
      old.records.set(name, { ...record, value: record.value.slice() })
    await world.run(await world.offer())
    world.store = old
    await expect(world.start()).rejects.toMatchObject({ code: 'KMS_STATE_ROLLED_BACK', action: 'stop' })
  },
)
