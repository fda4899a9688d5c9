import { runDigest } from '@sotto/protocol/contract'
import type { RoomAttack } from './support/attack.ts'
import { MALLORY, RoomScene } from './support/room-scene.ts'

/** Once, while the room reads its inputs: the keys are out, and the run is charged. */
function whileReading(scene: RoomScene, then: () => Promise<unknown>): void {
  let isOver = false
  scene.board.onRead = async () => {
    if (isOver) return
    isOver = true
    await then()
  }
}

const withdraw = (scene: RoomScene, by: string): Promise<unknown> =>
  scene.lab.world.ok(scene.lab.world.withdraw(by))

async function closeAll({ lab: { world } }: RoomScene): Promise<void> {
  for (const party of ['bank', 'shop']) await world.ok(world.close(party))
}

/** A contract that ends while a run is under way, and those who would go on. Each ends its own contract. */
export const WITHDRAWAL_ATTACKS: readonly RoomAttack[] = [
  {
    name: 'a run begins after its owner withdrew',
    async does(scene) {
      await scene.anew()
      const offered = await scene.offer()
      await withdraw(scene, 'bank')
      return scene.begun(offered)
    },
    refusedWith: 'ROOM_KMS withdrawn',
    seenBy: 'kms',
  },
  {
    name: 'the owner withdraws between keys and release',
    async does(scene) {
      await scene.anew()
      whileReading(scene, () => withdraw(scene, 'bank'))
      return scene.run()
    },
    refusedWith: 'ROOM_KMS withdrawn',
    seenBy: 'kms',
    spends: 1,
  },
  {
    name: 'the receiver withdraws between keys and release',
    async does(scene) {
      await scene.anew()
      whileReading(scene, () => withdraw(scene, 'shop'))
      return scene.run()
    },
    refusedWith: 'ROOM_KMS withdrawn',
    seenBy: 'kms',
    spends: 1,
  },
  {
    name: 'all parties close the contract between keys and release',
    async does(scene) {
      await scene.anew()
      whileReading(scene, () => closeAll(scene))
      return scene.run()
    },
    refusedWith: 'ROOM_KMS closed',
    seenBy: 'kms',
    spends: 1,
  },
  {
    name: 'members take the program of the room back between keys and release',
    async does(scene) {
      const { world } = scene.lab
      await scene.anew()
      whileReading(scene, () => {
        world.now += 1
        return world.acceptPolicy(world.proposal())
      })
      try {
        return await scene.run()
      } finally {
        // Those who come after have a room again.
        world.now += 1
        await world.acceptPolicy(world.roomProposal())
      }
    },
    refusedWith: 'ROOM_KMS room-image',
    seenBy: 'kms',
    spends: 1,
  },
  {
    name: 'a run begins after all parties closed the contract',
    async does(scene) {
      await scene.anew()
      const offered = await scene.offer()
      await closeAll(scene)
      return scene.begun(offered)
    },
    refusedWith: 'ROOM_KMS closed',
    seenBy: 'kms',
  },
  {
    name: 'the time of the contract is over between keys and release',
    async does(scene) {
      const { world } = scene.lab
      await scene.anew({ notAfter: world.now + 3600 })
      whileReading(scene, async () => {
        world.now += 3601
      })
      return scene.run()
    },
    refusedWith: 'ROOM_EXPIRED validity',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'a party that withdrew accepts again',
    async does(scene) {
      await scene.anew()
      await withdraw(scene, 'bank')
      await scene.lab.world.ok(scene.lab.world.accept('bank'))
      return scene.run()
    },
    refusedWith: 'CONTRACT_WITHDRAWN',
    seenBy: 'room',
  },
  {
    name: 'an owner adds data to a contract that ended',
    async does(scene) {
      await scene.anew()
      await withdraw(scene, 'shop')
      await scene.add('letters', await RoomScene.letter())
    },
    refusedWith: 'KMS_CONTRACT_OVER',
    seenBy: 'kms',
  },
  {
    name: 'a stranger withdraws in the name of a party, to stop a run',
    async does({ lab: { world } }) {
      const envelope = world.signed('withdrawal', 'bank', { consent: 'execution' }, MALLORY)
      await world.ok({ call: 'sign', contract: world.digest, kind: 'withdrawal', envelope })
    },
    refusedWith: 'CONTRACT_SIGNATURE',
    seenBy: 'kms',
  },
  {
    name: 'one party closes a contract in the name of all',
    async does({ lab: { world } }) {
      const envelope = world.signed('closing', 'bank', {}, MALLORY)
      await world.ok({ call: 'sign', contract: world.digest, kind: 'closing', envelope })
    },
    refusedWith: 'CONTRACT_SIGNATURE',
    seenBy: 'kms',
  },
  {
    name: 'a withdrawal from another contract is replayed',
    async does(scene) {
      const { world } = scene.lab
      const { digest } = world
      await scene.anew()
      const envelope = world.signed('withdrawal', 'bank', { consent: 'execution' })
      await world.ok({ call: 'sign', contract: digest, kind: 'withdrawal', envelope })
    },
    refusedWith: 'CONTRACT_OTHER',
    seenBy: 'kms',
  },
  {
    name: 'a party cancels its run, and goes on with it',
    async does(scene) {
      const { lab } = scene
      const offered = await scene.offer()
      const run = runDigest(offered.offer)
      await lab.ask({ call: 'cancel', run, inquiry: lab.world.signed('inquiry', 'shop') })
      const { state } = await lab.begin(offered)
      await lab.ask({
        call: 'approve',
        run,
        inquiry: lab.world.signed('inquiry', 'shop'),
        approvals: [
          lab.world.signed('approval', 'bank', {
            run,
            output: 'summaries',
            digest: 'dd'.repeat(32),
            verdict: 'release',
          }),
        ],
      })
      return state
    },
    refusedWith: 'ROOM_RUN_STATE',
    seenBy: 'room',
  },
  {
    name: 'a run is cancelled while it reads, and its result asked for',
    async does(scene) {
      const { lab } = scene
      const offered = await scene.offer()
      const run = runDigest(offered.offer)
      const inquiry = (): string => lab.world.signed('inquiry', 'shop')
      whileReading(scene, () => lab.ask({ call: 'cancel', run, inquiry: inquiry() }))
      await scene.begun(offered)
      const approval = { run, output: 'summaries', digest: 'dd'.repeat(32), verdict: 'release' } as const
      return lab.ask({
        call: 'approve',
        run,
        inquiry: inquiry(),
        approvals: [lab.world.signed('approval', 'bank', approval)],
      })
    },
    refusedWith: 'ROOM_RUN_STATE',
    seenBy: 'room',
    spends: 1,
  },
]
