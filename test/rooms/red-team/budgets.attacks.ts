import { runDigest } from '@sotto/protocol/contract'
import type { RoomAttack } from './support/attack.ts'
import { JobInRoom } from './support/room-job.ts'
import type { RoomScene } from './support/room-scene.ts'

/** Another contract with so many runs, whose files nobody has any more: each run costs, and ends at once. */
async function withRuns(scene: RoomScene, runs: number): Promise<void> {
  const inputs = scene.lab.world.contract.inputs.map((input) => ({
    ...input,
    uses: [{ transform: 'summary', runs }],
  }))
  await scene.anew({ inputs })
  scene.board.files.clear()
}

/** Ways to more runs than the owners let. */
export const BUDGET_ATTACKS: readonly RoomAttack[] = [
  {
    name: 'one run more than the budget has',
    async does(scene) {
      await withRuns(scene, 2)
      await scene.run()
      await scene.run()
      return scene.run()
    },
    refusedWith: 'ROOM_KMS budget',
    seenBy: 'kms',
    spends: 2,
  },
  {
    name: 'one run more, after the KMS has started again',
    async does(scene) {
      await withRuns(scene, 1)
      await scene.run()
      await scene.lab.world.start()
      return scene.run()
    },
    refusedWith: 'ROOM_KMS budget',
    seenBy: 'kms',
    spends: 1,
  },
  {
    name: 'one run more, after the room has started again',
    async does(scene) {
      await withRuns(scene, 1)
      await scene.run()
      scene.lab.restart()
      return scene.run()
    },
    refusedWith: 'ROOM_KMS budget',
    seenBy: 'kms',
    spends: 1,
  },
  {
    name: 'eight runs at once, of three that are left',
    async does(scene) {
      await withRuns(scene, 3)
      const offers = []
      for (let run = 0; run < 8; run++) offers.push(await scene.offer())
      const views = await Promise.all(offers.map((offered) => scene.begun(offered)))
      const refused = views.filter(({ failure }) => failure?.rule === 'budget')
      if (refused.length !== 5) throw new Error(`${refused.length} were refused`)
      return refused[0]
    },
    refusedWith: 'ROOM_KMS budget',
    seenBy: 'kms',
    spends: 3,
  },
  {
    name: 'one run that twenty parties begin at once',
    async does(scene) {
      await withRuns(scene, 1)
      const offered = await scene.offer()
      const consents = scene.lab.consents(offered)
      await Promise.all(
        Array.from({ length: 20 }, (_, at) => scene.lab.begin(offered, consents, at % 2 ? 'bank' : 'shop')),
      )
      return scene.lab.settled(runDigest(offered.offer))
    },
    refusedWith: 'ROOM_FILES',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'one run whose keys a room asks for twenty times at once',
    async does(scene) {
      await withRuns(scene, 1)
      const run = await JobInRoom.open(scene)
      await Promise.all(Array.from({ length: 20 }, () => run.keys()))
      return (await JobInRoom.open(scene)).keys()
    },
    refusedWith: 'ROOM_KMS CONTRACT_BUDGET',
    seenBy: 'kms',
    spends: 1,
  },
  {
    name: 'the KMS’s answer is lost, and the room asks anew',
    async does(scene) {
      await withRuns(scene, 2)
      const run = await JobInRoom.open(scene)
      const asking = run.kms
      await run
        .keys({
          ...asking,
          run: async (call, key) => {
            await asking.run(call, key)
            throw new Error('the connection is gone')
          },
        })
        .catch(() => undefined)
      await run.keys()
      await (await JobInRoom.open(scene)).keys()
      return (await JobInRoom.open(scene)).keys()
    },
    refusedWith: 'ROOM_KMS CONTRACT_BUDGET',
    seenBy: 'kms',
    spends: 2,
  },
  {
    name: 'the KMS stops between charge and answer, and the room asks the next one',
    async does(scene) {
      await withRuns(scene, 1)
      const run = await JobInRoom.open(scene)
      const { receiptEnvelope } = await run.keys()
      await scene.lab.world.start()
      // The next boot signs with a key of its own, and gives the receipt that the one before it wrote down.
      const again = await run.kms.run(run.asked(), scene.lab.world.kms.view.boot.own.binding.importKey)
      if (again.receipt !== receiptEnvelope) throw new Error('another receipt of the same run')
      return (await JobInRoom.open(scene)).keys()
    },
    refusedWith: 'ROOM_KMS CONTRACT_BUDGET',
    seenBy: 'kms',
    spends: 1,
  },
  {
    name: 'a contract with a larger budget in the place of the one that is spent',
    async does(scene) {
      await withRuns(scene, 1)
      await scene.run()
      const { world } = scene.lab
      const inputs = world.contract.inputs.map((input) => ({
        ...input,
        uses: [{ transform: 'summary', runs: 1000 }],
      }))
      const contract = { ...world.contract, inputs }
      world.use(contract)
      const data = scene.statements()
      return scene.run({ data })
    },
    refusedWith: 'ROOM_KMS',
    counts: 'KMS_CONTRACT_UNKNOWN',
    seenBy: 'kms',
    spends: 1,
  },
]
