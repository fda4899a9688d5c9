import { toBase64Url } from '@sotto/protocol/bytes'
import { chargesOf, RUN_TYPES, type RunPermit, type RunReceipt } from '@sotto/protocol/contract'
import { crypto } from '@sotto/protocol/crypto-backend'
import { WRAP_SUITE } from '@sotto/protocol/keyrelease'
import type { KmsCalls } from '../../../packages/enclave/src/room/kms/kms-calls.ts'
import { OTHER_ROOM } from '../../../packages/kms/test/contracts/room-world.ts'
import { payloadOf } from '../../../packages/kms/test/world.ts'
import type { RoomAttack } from './support/attack.ts'
import { JobInRoom, MADE } from './support/room-job.ts'

const DAY = 86_400

/** Rooms that are not what owners saw, and what a KMS must not say to one. */
export const ROOM_ATTACKS: readonly RoomAttack[] = [
  {
    name: 'a room with another image than the contract pins',
    async does(scene) {
      scene.as(OTHER_ROOM)
      return scene.run()
    },
    refusedWith: 'ROOM_KMS',
    counts: 'CONTRACT_RUN',
    seenBy: 'kms',
  },
  {
    name: 'an inference enclave of the same deployment takes the part of the room',
    async does(scene) {
      scene.as(scene.lab.world.workload)
      return scene.run()
    },
    refusedWith: 'ROOM_KMS room-image',
    seenBy: 'kms',
  },
  {
    name: 'an image that nobody released',
    async does(scene) {
      scene.as({ image: 'ab'.repeat(32), hostData: 'cd'.repeat(32), chip: 4 })
      return scene.run()
    },
    refusedWith: 'ROOM_KMS room-image',
    seenBy: 'kms',
  },
  {
    name: 'members revoke the image between offer and consent',
    async does(scene) {
      const { world } = scene.lab
      const offered = await scene.offer()
      world.now += 1
      await world.decide(world.proposal(world.policy({ anyOf: [world.tuple()] })))
      try {
        return await scene.begun(offered)
      } finally {
        world.now += 1
        await world.decide(world.roomProposal())
      }
    },
    refusedWith: 'ROOM_KMS room-image',
    seenBy: 'kms',
  },
  {
    name: 'an offer whose wrap key is replaced by that of an attacker',
    async does(scene) {
      const wrapKey = toBase64Url(WRAP_SUITE.kem.generate().publicKey)
      return (await JobInRoom.open(scene, { wrapKey })).keys()
    },
    refusedWith: 'ROOM_KMS CONTRACT_RUN',
    seenBy: 'kms',
  },
  {
    name: 'an offer and a binding whose wrap key is replaced, under genuine evidence',
    async does(scene) {
      const wrapKey = toBase64Url(WRAP_SUITE.kem.generate().publicKey)
      const run = await JobInRoom.open(scene, { wrapKey })
      const { shown } = run.job
      Object.assign(run.job, { shown: { ...shown, binding: { ...shown.binding, wrapKey } } })
      return run.keys()
    },
    refusedWith: 'ROOM_KMS KMS_EVIDENCE_REFUSED',
    seenBy: 'kms',
  },
  {
    name: 'an offer whose receipt key is replaced by that of an attacker',
    async does(scene) {
      const receiptKey = toBase64Url(crypto.ed25519.generate().publicKey)
      return (await JobInRoom.open(scene, { receiptKey })).keys()
    },
    refusedWith: 'ROOM_KMS CONTRACT_RUN',
    seenBy: 'kms',
  },
  {
    name: 'evidence over a state of the log of some days ago',
    async does(scene) {
      const { world } = scene.lab
      const note = world.log.note()
      world.now += 3 * DAY
      await world.kms.tick()
      return (await JobInRoom.open(scene, {}, undefined, note)).keys()
    },
    refusedWith: 'ROOM_KMS_UNREACHABLE KMS_CHECKPOINT_STALE',
    seenBy: 'kms',
  },
  {
    name: 'an offer that begins next year',
    async does(scene) {
      const at = scene.lab.world.now + 365 * DAY
      return (await JobInRoom.open(scene, { at, notAfter: at + 3600 })).keys()
    },
    refusedWith: 'ROOM_KMS KMS_STATEMENT_TIME',
    seenBy: 'kms',
  },
  {
    name: 'an offer that lasts until next year',
    async does(scene) {
      const notAfter = scene.lab.world.now + 365 * DAY
      return (await JobInRoom.open(scene, { notAfter })).keys()
    },
    refusedWith: 'ROOM_KMS JCS_FIELD',
    seenBy: 'kms',
  },
  {
    name: 'the KMS’s answer about one run is replayed for another',
    async does(scene) {
      const [first, second] = [await JobInRoom.open(scene), await JobInRoom.open(scene)]
      return second.keys(answering(first, () => first.kms.run(...asked(first))))
    },
    refusedWith: 'ROOM_KMS',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'a receipt of this run with the keys of another',
    async does(scene) {
      const [first, second] = [await JobInRoom.open(scene), await JobInRoom.open(scene)]
      const own = await second.kms.run(...asked(second))
      const other = await first.kms.run(...asked(first))
      return second.keys(answering(second, async () => ({ ...other, receipt: own.receipt })))
    },
    refusedWith: 'ROOM_KMS',
    seenBy: 'run',
    spends: 2,
  },
  {
    name: 'an old receipt under a new answer',
    async does(scene) {
      const [first, second] = [await JobInRoom.open(scene), await JobInRoom.open(scene)]
      const { receiptEnvelope } = await first.keys()
      return second.keys(
        answering(second, async () => ({
          ...(await second.kms.run(...asked(second))),
          receipt: receiptEnvelope,
        })),
      )
    },
    refusedWith: 'ROOM_KMS',
    seenBy: 'run',
    spends: 2,
  },
  {
    name: 'a receipt that another key than the KMS’s signed',
    async does(scene) {
      const run = await JobInRoom.open(scene)
      const forger = await JobInRoom.open(scene)
      return run.keys(
        answering(run, async () => ({ ...(await run.kms.run(...asked(run))), receipt: forger.result() })),
      )
    },
    refusedWith: 'ROOM_KMS',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'a KMS that charges less than the contract says',
    async does(scene) {
      const run = await JobInRoom.open(scene)
      return run.keys(receiptWith(run, { charges: chargesOf(run.job.named.contract, 'summary').slice(1) }))
    },
    refusedWith: 'ROOM_KMS',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'a KMS that charges nothing',
    async does(scene) {
      const run = await JobInRoom.open(scene)
      return run.keys(receiptWith(run, { charges: [] }))
    },
    refusedWith: 'ROOM_KMS',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'a receipt about a room with other evidence',
    async does(scene) {
      const run = await JobInRoom.open(scene)
      return run.keys(receiptWith(run, { evidence: '44'.repeat(32) }))
    },
    refusedWith: 'ROOM_KMS',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'a receipt about an image that the contract does not pin',
    async does(scene) {
      const run = await JobInRoom.open(scene)
      return run.keys(receiptWith(run, { image: OTHER_ROOM.image }))
    },
    refusedWith: 'ROOM_KMS',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'a permit for another digest than the result',
    async does(scene) {
      const run = await JobInRoom.open(scene)
      await run.keys()
      return run.permit(permitOf(run, [{ ...MADE, digest: 'ee'.repeat(32) }]))
    },
    refusedWith: 'ROOM_KMS',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'a permit for more outputs than the result has',
    async does(scene) {
      const run = await JobInRoom.open(scene)
      await run.keys()
      return run.permit(permitOf(run, [MADE, { ...MADE, output: 'letters' }]))
    },
    refusedWith: 'ROOM_KMS',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'a permit of another run',
    async does(scene) {
      const run = await JobInRoom.open(scene)
      await run.keys()
      return run.permit(permitOf(run, [MADE], '55'.repeat(32)))
    },
    refusedWith: 'ROOM_KMS',
    seenBy: 'run',
    spends: 1,
  },
  {
    name: 'a result that the room of the run did not sign',
    async does(scene) {
      const [run, other] = [await JobInRoom.open(scene), await JobInRoom.open(scene)]
      await run.keys()
      return run.permit(run.kms, other.result({ run: run.job.run }))
    },
    refusedWith: 'ROOM_KMS CONTRACT_SIGNATURE',
    seenBy: 'kms',
    spends: 1,
  },
  {
    name: 'a result of a run that was never charged',
    async does(scene) {
      const run = await JobInRoom.open(scene)
      return run.permit()
    },
    refusedWith: 'ROOM_KMS KMS_CONTRACT_RUN',
    seenBy: 'kms',
  },
  {
    name: 'an output that the contract does not have',
    async does(scene) {
      const run = await JobInRoom.open(scene)
      await run.keys()
      return run.permit(run.kms, run.result({ outputs: [{ ...MADE, output: 'letters' }] }))
    },
    refusedWith: 'ROOM_KMS CONTRACT_RUN',
    seenBy: 'kms',
    spends: 1,
  },
  {
    name: 'an output that is larger than agreed, from a room that does not look',
    async does(scene) {
      const run = await JobInRoom.open(scene)
      await run.keys()
      return run.permit(run.kms, run.result({ outputs: [{ ...MADE, bytes: 100_001 }] }))
    },
    refusedWith: 'ROOM_KMS CONTRACT_RUN',
    seenBy: 'kms',
    spends: 1,
  },
]

function asked(run: JobInRoom): Parameters<KmsCalls['run']> {
  return [run.asked(), run.scene.lab.world.kms.view.boot.own.binding.importKey]
}

function answering({ kms }: JobInRoom, run: () => ReturnType<KmsCalls['run']>): KmsCalls {
  return { ...kms, run }
}

/** The KMS's answer, with its own signature under a receipt that says something else. */
function receiptWith(run: JobInRoom, change: Partial<RunReceipt>): KmsCalls {
  return answering(run, async () => {
    const answer = await run.kms.run(...asked(run))
    const receipt = { ...payloadOf<RunReceipt>(answer.receipt), ...change }
    return { ...answer, receipt: run.asKms(RUN_TYPES.receipt, receipt) }
  })
}

function permitOf(run: JobInRoom, outputs: RunPermit['outputs'], about: string = run.job.run): KmsCalls {
  const { genesis, contract } = run.job.offer
  const permit: RunPermit = {
    format: 'sotto-run-permit/1',
    genesis,
    contract,
    run: about,
    outputs,
    issuedAt: run.scene.lab.world.now,
  }
  return { ...run.kms, release: async () => run.asKms(RUN_TYPES.permit, permit) }
}
