import {
  encodeContract,
  openOutputKey,
  type OutputApproval,
  runDigest,
  type SealedOutput,
  verifySealedOutput,
} from '@sotto/protocol/contract'
import type { OfferedRun, RunView } from '@sotto/protocol/room'
import { bank, shop } from '../support/room-lab.ts'
import type { RoomAttack } from './support/attack.ts'
import { JobInRoom, MADE } from './support/room-job.ts'
import { MALLORY, type RoomScene } from './support/room-scene.ts'

/** A result that its reviewer looks at. */
interface Waiting {
  offered: OfferedRun
  run: string
  envelope: string
  sealed: SealedOutput
}

async function waiting(scene: RoomScene): Promise<Waiting> {
  const offered = await scene.offer()
  const view = await scene.begun(offered)
  if (view.state !== 'waiting') throw new Error(JSON.stringify(view))
  const { receiptKey } = offered.offer
  const sealed = verifySealedOutput(view.review[0]!, { run: view.run, receiptKey })
  return { offered, run: view.run, envelope: view.review[0]!, sealed }
}

const approval = (
  { lab: { world } }: RoomScene,
  { run, sealed }: Pick<Waiting, 'run' | 'sealed'>,
  change: Partial<OutputApproval> = {},
  signedBy?: typeof MALLORY,
): string => {
  const { output, digest } = sealed
  const by = change.party ?? 'bank'
  return world.signed('approval', by, { run, output, digest, verdict: 'release', ...change }, signedBy)
}

async function approve({ lab }: RoomScene, run: string, ...approvals: string[]): Promise<RunView> {
  await lab.ask({ call: 'approve', run, inquiry: lab.world.signed('inquiry', 'shop'), approvals })
  return lab.settled(run)
}

/** What each attack on a result that waits costs: one run, and one file for its reviewer. */
const made = { seenBy: 'room', spends: 1, writes: 1 } as const

/** Results that nobody has approved, of a contract whose bank looks at what leaves. */
export const REVIEW_ATTACKS: readonly RoomAttack[] = [
  {
    name: 'an approval before there is a result',
    async does(scene) {
      const offered = await scene.offer()
      const run = runDigest(offered.offer)
      return approve(scene, run, approval(scene, { run, sealed: MADE as unknown as SealedOutput }))
    },
    refusedWith: 'ROOM_RUN_STATE',
    seenBy: 'room',
  },
  {
    name: 'an approval of another digest than the result has',
    async does(scene) {
      const at = await waiting(scene)
      return approve(scene, at.run, approval(scene, at, { digest: 'ab'.repeat(32) }))
    },
    refusedWith: 'ROOM_RUN_STATE',
    ...made,
  },
  {
    name: 'an approval of the same output of an earlier run',
    async does(scene) {
      const [first, second] = [await waiting(scene), await waiting(scene)]
      return approve(scene, second.run, approval(scene, first))
    },
    refusedWith: 'ROOM_RUN_STATE',
    seenBy: 'room',
    spends: 2,
    writes: 2,
  },
  {
    name: 'an approval of an output that the run does not have',
    async does(scene) {
      const at = await waiting(scene)
      return approve(scene, at.run, approval(scene, at, { output: 'letters' }))
    },
    refusedWith: 'ROOM_RUN_STATE',
    ...made,
  },
  {
    name: 'an approval by a party that is no reviewer',
    async does(scene) {
      const at = await waiting(scene)
      return approve(scene, at.run, approval(scene, at, { party: 'shop' }))
    },
    refusedWith: 'ROOM_RUN_STATE',
    ...made,
  },
  {
    name: 'an approval in the name of the reviewer under another key',
    async does(scene) {
      const at = await waiting(scene)
      return approve(scene, at.run, approval(scene, at, {}, MALLORY))
    },
    refusedWith: 'CONTRACT_SIGNATURE',
    ...made,
  },
  {
    name: 'an approval under another contract',
    async does(scene) {
      const at = await waiting(scene)
      return approve(scene, at.run, approval(scene, at, { contract: '66'.repeat(32) }))
    },
    refusedWith: 'CONTRACT_OTHER',
    ...made,
  },
  {
    name: 'an approval after the reviewer refused',
    async does(scene) {
      const at = await waiting(scene)
      await approve(scene, at.run, approval(scene, at, { verdict: 'refuse' }))
      return approve(scene, at.run, approval(scene, at))
    },
    refusedWith: 'ROOM_RUN_STATE',
    ...made,
  },
  {
    name: 'a refusal among approvals',
    async does(scene) {
      const at = await waiting(scene)
      return approve(scene, at.run, approval(scene, at), approval(scene, at, { verdict: 'refuse' }))
    },
    refusedWith: 'ROOM_ENDED',
    seenBy: 'run',
    spends: 1,
    writes: 1,
  },
  {
    name: 'a result is looked at after somebody withdrew while the room read',
    async does(scene) {
      const { world } = scene.lab
      await scene.anew()
      let isOver = false
      scene.board.onRead = async () => {
        if (isOver) return
        isOver = true
        await world.ok(world.withdraw('shop'))
      }
      return scene.run()
    },
    refusedWith: 'ROOM_KMS withdrawn',
    seenBy: 'kms',
    spends: 1,
  },
  {
    name: 'an approval after the owner withdrew from the contract',
    async does(scene) {
      const { world } = scene.lab
      await scene.anew()
      const at = await waiting(scene)
      await world.ok(world.withdraw('bank'))
      return approve(scene, at.run, approval(scene, at))
    },
    refusedWith: 'ROOM_KMS withdrawn',
    seenBy: 'kms',
    spends: 1,
    writes: 1,
  },
  {
    name: 'an approval that comes after the offer has expired',
    async does(scene) {
      const at = await waiting(scene)
      scene.lab.world.now = at.offered.offer.notAfter
      await scene.lab.world.kms.tick()
      return approve(scene, at.run, approval(scene, at))
    },
    refusedWith: 'ROOM_RUN_STATE',
    ...made,
  },
  {
    name: 'a room that waits for nobody asks the KMS to release',
    async does(scene) {
      const run = await JobInRoom.open(scene)
      await run.keys()
      return run.permit()
    },
    refusedWith: 'ROOM_KMS CONTRACT_RUN',
    seenBy: 'kms',
    spends: 1,
  },
  {
    name: 'a room that brings the KMS the approval of another party',
    async does(scene) {
      const run = await JobInRoom.open(scene)
      await run.keys()
      const stated = { run: run.job.run, sealed: MADE as unknown as SealedOutput }
      return run.permit(run.kms, run.result(), [approval(scene, stated, { party: 'shop' })])
    },
    refusedWith: 'ROOM_KMS CONTRACT_RUN',
    seenBy: 'kms',
    spends: 1,
  },
  {
    name: 'a room that brings the KMS an approval of something else',
    async does(scene) {
      const run = await JobInRoom.open(scene)
      await run.keys()
      const stated = { run: run.job.run, sealed: MADE as unknown as SealedOutput }
      return run.permit(run.kms, run.result(), [approval(scene, stated, { digest: '77'.repeat(32) })])
    },
    refusedWith: 'ROOM_KMS CONTRACT_OTHER',
    seenBy: 'kms',
    spends: 1,
  },
  {
    name: 'the receiver opens what only the reviewer was shown',
    async does(scene) {
      const { sealed } = await waiting(scene)
      return openOutputKey(sealed, 'shop', shop.sealing)
    },
    refusedWith: 'CONTRACT_PARTY',
    seenBy: 'party',
    spends: 1,
    writes: 1,
  },
  {
    name: 'the receiver opens it in the name of the reviewer',
    async does(scene) {
      const { sealed } = await waiting(scene)
      return openOutputKey(sealed, 'bank', shop.sealing)
    },
    refusedWith: 'WRAP_FAILED',
    seenBy: 'party',
    spends: 1,
    writes: 1,
  },
  {
    name: 'the reviewer’s key is moved to the receiver',
    async does(scene) {
      const { sealed } = await waiting(scene)
      const [key] = sealed.keys
      return openOutputKey({ ...sealed, keys: [{ ...key!, party: 'shop' }] }, 'shop', bank.sealing)
    },
    refusedWith: 'WRAP_FAILED',
    seenBy: 'party',
    spends: 1,
    writes: 1,
  },
]

/** Outputs that the contract does not have, or not for those parties. */
export const OUTPUT_ATTACKS: readonly RoomAttack[] = [
  {
    name: 'an output for a receiver who is no party',
    does: (scene) => offerWith(scene, { outputs: [summaries(['shop', 'press'])] }),
    refusedWith: 'CONTRACT_MALFORMED',
    seenBy: 'room',
  },
  {
    name: 'an output for a receiver whom an owner does not admit',
    does: (scene) => offerWith(scene, { inputs: withRules(scene, { receivers: ['bank'] }) }),
    refusedWith: 'CONTRACT_MALFORMED',
    seenBy: 'room',
  },
  {
    name: 'a reviewer whom the owner of another input does not admit',
    does: (scene) => {
      const inputs = scene.lab.world.contract.inputs.map((input) => ({
        ...input,
        rules: {
          ...input.rules,
          review: input.owner === 'bank',
          receivers: input.owner === 'shop' ? ['shop'] : ['bank', 'shop'],
        },
      }))
      return offerWith(scene, { inputs })
    },
    refusedWith: 'CONTRACT_MALFORMED',
    seenBy: 'room',
  },
  {
    name: 'an output of something that is no transform',
    does: (scene) => offerWith(scene, { outputs: [{ ...summaries(['shop']), from: 'letters' }] }),
    refusedWith: 'CONTRACT_MALFORMED',
    seenBy: 'room',
  },
  {
    name: 'an input that leaves as an output, by a use that its owner did not give',
    does: (scene) => {
      const uses = [{ transform: 'other', runs: 1 }]
      const inputs = scene.lab.world.contract.inputs.map((input) => ({ ...input, uses }))
      return offerWith(scene, { inputs })
    },
    refusedWith: 'CONTRACT_MALFORMED',
    seenBy: 'room',
  },
  {
    name: 'two parties with one key to open outputs',
    does: (scene) => {
      const [first, second] = scene.lab.world.contract.parties
      return offerWith(scene, { parties: [first!, { ...second!, sealTo: first!.sealTo }] })
    },
    refusedWith: 'CONTRACT_MALFORMED',
    seenBy: 'room',
  },
  {
    name: 'an output that is larger than agreed',
    async does(scene) {
      await scene.anew({ outputs: [{ ...summaries(['shop']), maxBytes: 10 }] })
      return scene.run()
    },
    refusedWith: 'ROOM_OUTPUT max-bytes',
    seenBy: 'run',
    spends: 1,
  },
]

const summaries = (receivers: string[]) => ({
  name: 'summaries',
  from: 'summary',
  receivers,
  maxBytes: 100_000,
})

type Inputs = RoomScene['lab']['world']['contract']['inputs']

function withRules({ lab: { world } }: RoomScene, change: Partial<Inputs[number]['rules']>): Inputs {
  return world.contract.inputs.map((input) => ({ ...input, rules: { ...input.rules, ...change } }))
}

/** Asks for a run of the contract with this change, which no honest program would write. */
function offerWith(
  scene: RoomScene,
  change: Partial<RoomScene['lab']['world']['contract']>,
): Promise<OfferedRun> {
  const contract = { ...scene.lab.world.contract, ...change }
  return scene.offer({ contract: Buffer.from(encodeContract(contract)).toString() })
}
