import { toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { runDigest } from '@sotto/protocol/contract'
import { parseDsse, signDsse } from '@sotto/protocol/dsse'
import type { OfferedRun } from '@sotto/protocol/room'
import { SHOP } from '../../../packages/kms/test/contracts/room-world.ts'
import type { RoomAttack } from './support/attack.ts'
import { JobInRoom } from './support/room-job.ts'
import { MALLORY, type RoomScene } from './support/room-scene.ts'

/** Begins a run with these consents. */
const begin = (scene: RoomScene, offered: OfferedRun, consents: string[]): Promise<unknown> =>
  scene.lab.begin(offered, consents)

/** Consents that are no consents of the owners to this run. */
export const CONSENT_ATTACKS: readonly RoomAttack[] = [
  {
    name: 'consents to one run are replayed for another',
    async does(scene) {
      const [first, second] = [await scene.offer(), await scene.offer()]
      return begin(scene, second, scene.lab.consents(first))
    },
    refusedWith: 'CONTRACT_OTHER',
    seenBy: 'room',
  },
  {
    name: 'one consent of this run, and one of another',
    async does(scene) {
      const [first, second] = [await scene.offer(), await scene.offer()]
      return begin(scene, second, [
        ...scene.lab.consents(second, ['shop']),
        ...scene.lab.consents(first, ['bank']),
      ])
    },
    refusedWith: 'CONTRACT_OTHER',
    seenBy: 'room',
  },
  {
    name: 'a consent given under an earlier contract with the same title',
    async does(scene) {
      const { world } = scene.lab
      const offered = await scene.offer()
      const before = world.contract
      world.use({ ...before, salt: 'B'.repeat(43).replace(/.$/, 'A') })
      const old = scene.lab.consents(offered, ['bank'])
      world.use(before)
      return begin(scene, offered, [...old, ...scene.lab.consents(offered, ['shop'])])
    },
    refusedWith: 'CONTRACT_OTHER',
    seenBy: 'room',
  },
  {
    name: 'an acceptance of an earlier contract with the same title',
    async does(scene) {
      const { world } = scene.lab
      const old = world.signed('acceptance', 'bank')
      world.use({ ...world.contract, salt: 'C'.repeat(42) + 'A' })
      await world.ok(world.accept('shop'))
      await world.ok({ call: 'accept', contract: world.text, acceptance: old })
    },
    refusedWith: 'CONTRACT_OTHER',
    seenBy: 'kms',
  },
  {
    name: 'a contract that one party has not accepted',
    async does(scene) {
      const { world } = scene.lab
      world.use({ ...world.contract, salt: 'D'.repeat(42) + 'A' })
      await world.ok(world.accept('shop'))
      const data = ['letters', 'model'].map((input) => scene.statement(input, scene.good[input]!))
      return scene.run({ data })
    },
    refusedWith: 'CONTRACT_NOT_ACCEPTED',
    seenBy: 'room',
  },
  {
    name: 'consents that come after the offer has expired',
    async does(scene) {
      const offered = await scene.offer()
      const consents = scene.lab.consents(offered)
      scene.lab.world.now = offered.offer.notAfter
      return begin(scene, offered, consents)
    },
    refusedWith: 'ROOM_RUN_UNKNOWN',
    seenBy: 'room',
  },
  {
    name: 'consents that come to the KMS after the offer has expired',
    async does(scene) {
      const run = await JobInRoom.open(scene)
      scene.lab.world.now = run.job.offer.notAfter
      await scene.lab.world.kms.tick()
      return run.keys()
    },
    refusedWith: 'ROOM_KMS CONTRACT_EXPIRED',
    seenBy: 'kms',
  },
  {
    name: 'the receiver consents in the place of the owner',
    async does(scene) {
      const offered = await scene.offer()
      return begin(scene, offered, scene.lab.consents(offered, ['shop', 'shop']))
    },
    refusedWith: 'CONTRACT_RUN',
    seenBy: 'room',
  },
  {
    name: 'the consent of one owner is missing',
    async does(scene) {
      const offered = await scene.offer()
      return begin(scene, offered, scene.lab.consents(offered, ['bank']))
    },
    refusedWith: 'CONTRACT_RUN',
    seenBy: 'room',
  },
  {
    name: 'the consent of one owner is missing, and a room that does not look asks the KMS',
    async does(scene) {
      const run = await JobInRoom.open(scene)
      run.consents.shift()
      return run.keys()
    },
    refusedWith: 'ROOM_KMS CONTRACT_RUN',
    seenBy: 'kms',
  },
  {
    name: 'another key signs in the name of an owner',
    async does(scene) {
      const offered = await scene.offer()
      const run = runDigest(offered.offer)
      const forged = scene.lab.world.signed('consent', 'bank', { run }, MALLORY)
      return begin(scene, offered, [forged, ...scene.lab.consents(offered, ['shop'])])
    },
    refusedWith: 'CONTRACT_SIGNATURE',
    seenBy: 'room',
  },
  {
    name: 'another owner signs in the name of an owner',
    async does(scene) {
      const offered = await scene.offer()
      const run = runDigest(offered.offer)
      const forged = scene.lab.world.signed('consent', 'bank', { run }, SHOP)
      return begin(scene, offered, [forged, ...scene.lab.consents(offered, ['shop'])])
    },
    refusedWith: 'CONTRACT_SIGNATURE',
    seenBy: 'room',
  },
  {
    name: 'a party that the contract does not have consents',
    async does(scene) {
      const offered = await scene.offer()
      const run = runDigest(offered.offer)
      const stranger = scene.lab.world.signed('consent', 'press', { run }, MALLORY)
      return begin(scene, offered, [stranger, ...scene.lab.consents(offered)])
    },
    refusedWith: 'CONTRACT_PARTY',
    seenBy: 'room',
  },
  {
    name: 'an inquiry of the owner is passed off as its consent',
    async does(scene) {
      const offered = await scene.offer()
      return begin(scene, offered, [scene.lab.world.signed('inquiry', 'bank')])
    },
    refusedWith: 'CONTRACT_MALFORMED',
    seenBy: 'room',
  },
  {
    name: 'the words of a consent under a signature for something else',
    async does(scene) {
      const offered = await scene.offer()
      const [consent] = scene.lab.consents(offered, ['bank'])
      const { payload } = parseDsse(utf8(consent!))
      const envelope = signDsse('application/vnd.sotto.contract-inquiry+json', payload, [MALLORY])
      return begin(scene, offered, [Buffer.from(envelope).toString()])
    },
    refusedWith: 'CONTRACT_SIGNATURE',
    seenBy: 'room',
  },
  {
    name: 'a second signature beside that of the owner',
    async does(scene) {
      const offered = await scene.offer()
      const [consent, other] = scene.lab.consents(offered)
      const envelope = JSON.parse(consent!) as { signatures: object[] }
      envelope.signatures.push({ keyid: '', sig: toBase64Url(new Uint8Array(64)) })
      return begin(scene, offered, [JSON.stringify(envelope), other!])
    },
    refusedWith: 'CONTRACT_MALFORMED',
    seenBy: 'room',
  },
  {
    name: 'seventeen consents of one owner',
    async does(scene) {
      const offered = await scene.offer()
      return begin(scene, offered, Array<string>(17).fill(scene.lab.consents(offered)[0]!))
    },
    refusedWith: 'ROOM_CALL',
    seenBy: 'room',
  },
  {
    name: 'consents to an offer of a room that has started again',
    async does(scene) {
      const offered = await scene.offer()
      const consents = scene.lab.consents(offered)
      scene.lab.restart()
      return begin(scene, offered, consents)
    },
    refusedWith: 'ROOM_RUN_UNKNOWN',
    seenBy: 'room',
  },
  {
    name: 'consents are carried to the KMS by a room that has other keys',
    async does(scene) {
      const [run, other] = [await JobInRoom.open(scene), await JobInRoom.open(scene)]
      Object.assign(run.job, { shown: other.job.shown })
      return run.keys()
    },
    refusedWith: 'ROOM_KMS CONTRACT_RUN',
    seenBy: 'kms',
  },
]
