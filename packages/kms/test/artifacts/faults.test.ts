import { fromBase64Url, utf8 } from '@sotto/protocol/bytes'
import { expect, test } from 'vitest'
import { disturb, FaultDrill, type Recovery } from '../fault-drill.ts'
import { Enclave, payloadOf, seed, World } from '../world.ts'
import { modelRemoval } from './asking.ts'

const [KEPT, GONE] = ['ab'.repeat(16), 'cd'.repeat(16)]

/** A life in which an owner is admitted, brings two keys under a policy of its own, and has one forgotten. */
class OwnersLife extends FaultDrill {
  removal: Uint8Array = new Uint8Array()

  constructor(recovery: Recovery) {
    super(recovery, new World())
  }

  async run(): Promise<void> {
    const { world } = this
    await this.step(() => world.start())
    const policy = world.proposal()
    await this.step(() => world.acceptPolicy(policy))
    const owners = world.draft('owners', { owners: [world.owner()] })
    await this.step(() => world.decide(owners))
    const own = world.ownerPolicy()
    for (const [id, n] of [
      [KEPT, 42],
      [GONE, 43],
    ] as const)
      await this.step(() =>
        world.kms.importArtifact(
          id,
          world.artifactImport(id, seed(n), { ...own, model: { name: 'bear', version: n } }),
        ),
      )
    this.removal = utf8(modelRemoval(world, { version: 43 }))
    await this.step(() => world.kms.removeModel(this.removal))
    const enclave = new Enclave(world.workload)
    await this.step(async () => {
      const request = await enclave.request(world, { artifacts: [KEPT] })
      const released = enclave.open(request, await world.kms.release(request), world.genesis)
      expect(fromBase64Url(released.artifacts[0]!.contentKey)).toEqual(seed(42))
    })
  }

  async verify(): Promise<void> {
    const { world } = this
    const { artifacts, ownerPolicies, owners, removed, removedModels } = world.kms.view.state
    expect([...artifacts.keys()]).toEqual([KEPT])
    expect(ownerPolicies.size).toBe(1)
    expect(owners).toEqual([world.owner()])
    expect([...removedModels.values()].flat()).toMatchObject([{ name: 'bear', version: 43 }])
    const { receipt } = await world.kms.removeModel(this.removal)
    expect(payloadOf(receipt)).toMatchObject({ destroyed: [GONE], shared: [], newer: [] })
    expect([...removed.values()].flat().map(({ id }) => id)).toEqual([GONE])
    const request = await new Enclave(world.workload).request(world, { artifacts: [GONE] })
    await expect(world.kms.release(request)).rejects.toMatchObject({ code: 'KMS_NOT_ADMITTED' })
    await expect(world.kms.importArtifact(GONE, world.artifactImport(GONE, seed(43)))).rejects.toMatchObject({
      code: 'KMS_ARTIFACT_REMOVED',
    })
  }
}

const begin = (recovery: Recovery): OwnersLife => new OwnersLife(recovery)

// Writes that happen before an owner is admitted are of every life: see ../faults.test.ts.
test('a store that breaks at any one write loses no key and brings none back', { timeout: 300_000 }, () =>
  disturb({ begin, write: 'commit', from: 9, atLeast: 8 }),
)

test('a log that breaks at any one append loses no key and brings none back', { timeout: 300_000 }, () =>
  disturb({ begin, write: 'append', from: 6, atLeast: 5 }),
)
