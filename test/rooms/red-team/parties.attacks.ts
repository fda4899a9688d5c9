import { toBase64Url } from '@sotto/protocol/bytes'
import {
  checkRunProof,
  joinedMessage,
  judgeOffer,
  newRoomSecret,
  roomParty,
  type RoomRun,
} from '@sotto/client/rooms'
import { RUN_TYPES, type RunOffer, type RunReceipt } from '@sotto/protocol/contract'
import { encodeTrustBundle } from '@sotto/protocol/evidence'
import { WRAP_SUITE } from '@sotto/protocol/keyrelease'
import { softwareMeasurement } from '@sotto/protocol/measurement'
import { boardPageDecoder, type OfferedRun, type RoomEvidence } from '@sotto/protocol/room'
import { sealAnything } from '../../../packages/client/test/rooms/board/room.ts'
import { bundleOf, trustPolicyOf } from '../../../packages/kms/test/client.ts'
import { OTHER_ROOM, ROOM, SHOP } from '../../../packages/kms/test/contracts/room-world.ts'
import { payloadOf, World } from '../../../packages/kms/test/world.ts'
import { bank, shop } from '../support/room-lab.ts'
import type { Attack } from './support/attack.ts'
import type { PartyScene } from './support/party-scene.ts'
import { MALLORY, STRANGER_SEED } from './support/room-scene.ts'

type PartyAttack = Attack<PartyScene>

const DAY = 86_400
const stranger = roomParty(STRANGER_SEED)

/** The program of the party that was to be deceived says no, and nothing was spent. */
const byParty = { seenBy: 'party' } as const

const outputs = ({ atShop, named }: PartyScene, run: RoomRun): Promise<unknown> => atShop.outputs(named, run)
const viewOf = ({ views }: RoomRun) => views[0]!.view

/** Judges the second run's offer with this change, as a party does before it consents. */
function judge({ atBank, named, second }: PartyScene, change: Partial<OfferedRun>): Promise<unknown> {
  return atBank.judge(named, { ...second, offered: { ...second.offered, ...change } })
}

async function judgeWith(
  { members, named, second }: PartyScene,
  { offer, revoked = [], now }: { offer?: Partial<RunOffer>; revoked?: string[]; now?: number },
): Promise<unknown> {
  const { lab } = members
  const service = await members.service()
  const policy = { ...trustPolicyOf(lab.world), revoked }
  const offered = { ...second.offered, offer: { ...second.offered.offer, ...offer } }
  return judgeOffer(named, offered, { service, policy, now: now ?? lab.world.now })
}

/** What the members' programs make of a message. */
async function madeOf({ atBank }: PartyScene, index: number): Promise<string> {
  const { conflicts, unproven, unreadable } = await atBank.state()
  if (unreadable.includes(index)) return 'unreadable'
  if (unproven.includes(index)) return 'unproven'
  return conflicts.some((one) => one.index === index) ? 'conflict' : 'believed'
}

async function posted(scene: PartyScene, message: object, secret = scene.members.secret): Promise<string> {
  return madeOf(scene, await scene.post(sealAnything(secret, message)))
}

/** The board shows its messages in another way. */
async function showing(
  scene: PartyScene,
  change: (page: ReturnType<typeof boardPageDecoder>) => object,
): Promise<unknown> {
  const { board, token } = scene.members.secret
  const headers = { authorization: `Bearer ${token}` }
  const url = `http://board.test/v1/boards/${board}/messages?after=0`
  const answer = await scene.members.boards.app(new Request(url, { headers }))
  const page = boardPageDecoder(await answer.json(), 'page')
  scene.members.intercept = (request) =>
    request.method === 'GET' && request.url.includes('/messages') ? Response.json(change(page)) : undefined
  return scene.atBank.state()
}

/** The board gives other bytes of every file. */
function giving({ members }: PartyScene, bytes: (length: number) => Uint8Array): void {
  members.intercept = (request) => {
    if (request.method !== 'GET' || !request.url.includes('/files/')) return undefined
    const [first, last] = request.headers.get('range')!.slice('bytes='.length).split('-').map(Number)
    return new Response(bytes(last! - first! + 1) as Uint8Array<ArrayBuffer>, { status: 206 })
  }
}

/** What parties are told that is not so: of runs, of rooms, and of each other. */
export const PARTY_ATTACKS: readonly PartyAttack[] = [
  {
    name: 'a member says that a run is done, and shows no receipt',
    does: (scene) => {
      const { receipt: _, ...view } = viewOf(scene.second)
      return outputs(scene, { ...scene.second, views: [{ index: 1, at: 1, view }] })
    },
    refusedWith: 'ROOM_OFFER',
    ...byParty,
  },
  {
    name: 'a member says that a run is done, and shows no permit',
    does: (scene) => {
      const { permit: _, ...view } = viewOf(scene.second)
      return outputs(scene, { ...scene.second, views: [{ index: 1, at: 1, view }] })
    },
    refusedWith: 'ROOM_OFFER',
    ...byParty,
  },
  {
    name: 'the receipt of another run',
    does: (scene) => outputs(scene, scene.told({ receipt: viewOf(scene.first).receipt! })),
    refusedWith: 'CONTRACT_OTHER',
    ...byParty,
  },
  {
    name: 'a receipt of another KMS, with the genuine bundle of that one',
    async does(scene) {
      const other = await World.ready({ name: 'other' })
      const receipt = payloadOf<RunReceipt>(viewOf(scene.second).receipt!)
      return outputs(
        scene,
        scene.told({
          receipt: other.kms.view.boot.statementKey.sign(RUN_TYPES.receipt, receipt),
          bundles: [toBase64Url(encodeTrustBundle(await bundleOf(other)))],
        }),
      )
    },
    refusedWith: 'CONTRACT_SIGNATURE',
    ...byParty,
  },
  {
    name: 'the permit of another run beside the outputs',
    does: (scene) => outputs(scene, scene.told({ permit: viewOf(scene.first).permit! })),
    refusedWith: 'CONTRACT_OTHER',
    ...byParty,
  },
  {
    name: 'the provenance of another run',
    does: (scene) => outputs(scene, scene.told({ provenance: viewOf(scene.first).provenance! })),
    refusedWith: 'ROOM_SIGNATURE',
    ...byParty,
  },
  {
    name: 'the outputs of another run',
    does: (scene) => outputs(scene, scene.told({ outputs: viewOf(scene.first).outputs })),
    refusedWith: 'CONTRACT_SIGNATURE',
    ...byParty,
  },
  {
    name: 'an output is left out',
    does: (scene) => outputs(scene, scene.told({ outputs: [] })),
    refusedWith: 'ROOM_OFFER',
    ...byParty,
  },
  {
    name: 'an output is there twice',
    does: (scene) => {
      const [output] = viewOf(scene.second).outputs
      return outputs(scene, scene.told({ outputs: [output!, output!] }))
    },
    refusedWith: 'ROOM_OFFER',
    ...byParty,
  },
  {
    name: 'a whole view of another run under this run’s name',
    does: (scene) => outputs(scene, scene.told({ ...viewOf(scene.first), run: scene.second.run })),
    refusedWith: 'CONTRACT_OTHER',
    ...byParty,
  },
  {
    name: 'the board gives zeros in the place of an output',
    does(scene) {
      giving(scene, (length) => new Uint8Array(length))
      return outputs(scene, scene.second)
    },
    refusedWith: 'SEALED_MALFORMED',
    ...byParty,
  },
  {
    name: 'the board gives less of an output than it says',
    does(scene) {
      giving(scene, () => new Uint8Array(1))
      return outputs(scene, scene.second)
    },
    refusedWith: 'ROOM_BOARD',
    ...byParty,
  },
  {
    name: 'a party for whom an output is not opens it with its own key',
    async does({ atBank, named, second }) {
      const opened = await atBank.outputs(named, second)
      return opened.length === 0 ? 'none of it' : 'all of it'
    },
    refusedWith: 'none of it',
    ...byParty,
  },
  {
    name: 'a review of something that no KMS let a room make',
    does: (scene) => {
      const { receipt: _, ...view } = viewOf(scene.second)
      return scene.atBank.review(scene.named, { ...scene.second, views: [{ index: 1, at: 1, view }] })
    },
    refusedWith: 'ROOM_OFFER',
    ...byParty,
  },
  {
    name: 'a review of something that another room sealed',
    does: (scene) => scene.atBank.review(scene.named, scene.told({ review: viewOf(scene.first).outputs })),
    refusedWith: 'CONTRACT_SIGNATURE',
    ...byParty,
  },
  {
    name: 'a proof with the view of another run',
    async does({ members, atBank, named, first, second }) {
      const proof = await atBank.proof(named, second)
      return checkRunProof({ ...proof, view: viewOf(first) }, trustPolicyOf(members.lab.world))
    },
    refusedWith: 'ROOM_OFFER',
    ...byParty,
  },
  {
    name: 'a proof of another deployment',
    async does({ members, atBank, named, second }) {
      const proof = await atBank.proof(named, second)
      const policy = trustPolicyOf(members.lab.world, { genesis: '99'.repeat(32) })
      return checkRunProof(proof, policy)
    },
    refusedWith: 'ROOM_OFFER genesis.pinned',
    ...byParty,
  },
  {
    name: 'an offer with the evidence of another run',
    does: (scene) => judge(scene, { shown: scene.first.offered.shown }),
    refusedWith: 'ROOM_OFFER',
    ...byParty,
  },
  {
    name: 'an offer whose binding names an attacker’s key',
    does: (scene) => {
      const { shown } = scene.second.offered
      const wrapKey = toBase64Url(WRAP_SUITE.kem.generate().publicKey)
      return judge(scene, { shown: { ...shown, binding: { ...shown.binding, wrapKey } } })
    },
    refusedWith: 'ROOM_OFFER room.evidence',
    ...byParty,
  },
  {
    name: 'an offer that names an attacker’s key beside genuine evidence',
    does: (scene) =>
      judgeWith(scene, { offer: { wrapKey: toBase64Url(WRAP_SUITE.kem.generate().publicKey) } }),
    refusedWith: 'ROOM_OFFER',
    ...byParty,
  },
  {
    name: 'an offer whose evidence the party’s policy revokes',
    does: (scene) => judgeWith(scene, { revoked: [softwareMeasurement(ROOM.image)] }),
    refusedWith: 'ROOM_OFFER room.evidence',
    ...byParty,
  },
  {
    name: 'an offer of today with evidence of days ago',
    does: (scene) => {
      const at = scene.lab.world.now + 3 * DAY
      return judgeWith(scene, { offer: { at, notAfter: at + 3600 }, now: at })
    },
    refusedWith: 'ROOM_OFFER room.checkpoint',
    ...byParty,
  },
  {
    name: 'a party is asked to consent to an offer for next year',
    does: (scene) => {
      const at = scene.lab.world.now + 365 * DAY
      return judgeWith(scene, { offer: { at, notAfter: at + 3600 } })
    },
    refusedWith: 'CONTRACT_EXPIRED',
    ...byParty,
  },
  {
    name: 'a party is asked to consent to an offer that has expired',
    does: (scene) => judgeWith(scene, { offer: { notAfter: scene.lab.world.now } }),
    refusedWith: 'CONTRACT_EXPIRED',
    ...byParty,
  },
  {
    name: 'a party is asked to consent to a run of another contract',
    does: (scene) => judgeWith(scene, { offer: { contract: '12'.repeat(32) } }),
    refusedWith: 'CONTRACT_OTHER',
    ...byParty,
  },
  {
    name: 'a room on a program that the contract does not pin',
    does(scene) {
      scene.lab.restart(OTHER_ROOM)
      return scene.atShop.ask(scene.named, { transform: 'summary' })
    },
    refusedWith: 'ROOM_OFFER room.image',
    ...byParty,
  },
  {
    name: 'an inference enclave that offers a run',
    does(scene) {
      scene.lab.restart(scene.lab.world.workload)
      return scene.atShop.ask(scene.named, { transform: 'summary' })
    },
    refusedWith: 'ROOM_OFFER room.evidence',
    ...byParty,
  },
  {
    name: 'somebody before the room shows a call key of his own',
    async does(scene) {
      const at = await scene.members.member(shop, 'shop')
      const shown = await scene.lab.attest()
      const wrapKey = toBase64Url(WRAP_SUITE.kem.generate().publicKey)
      const forged: RoomEvidence = { ...shown, binding: { ...shown.binding, wrapKey } }
      scene.members.intercept = (request) =>
        request.url.endsWith('/v1/rooms/room') ? Response.json(forged) : undefined
      return at.ask(scene.named, { transform: 'summary' })
    },
    refusedWith: 'ROOM_OFFER room.evidence',
    ...byParty,
  },
  {
    name: 'a membership that another key signed',
    does(scene) {
      const { board } = scene.members.secret
      const at = scene.lab.world.now
      const genuine = joinedMessage(stranger, 'press', { board, at })
      return posted(scene, { ...genuine, party: { ...genuine.party, key: bank.key } })
    },
    refusedWith: 'unreadable',
    ...byParty,
  },
  {
    name: 'a membership of another room',
    does(scene) {
      const { board } = newRoomSecret()
      return posted(scene, joinedMessage(stranger, 'press', { board, at: scene.lab.world.now }))
    },
    refusedWith: 'unreadable',
    ...byParty,
  },
  {
    name: 'a second member with the name of the first',
    does(scene) {
      const { board } = scene.members.secret
      return posted(scene, joinedMessage(stranger, 'bank', { board, at: scene.lab.world.now }))
    },
    refusedWith: 'conflict',
    ...byParty,
  },
  {
    name: 'a message of another room on this board',
    does(scene) {
      const other = newRoomSecret()
      const message = joinedMessage(stranger, 'press', { board: other.board, at: scene.lab.world.now })
      return posted(scene, message, other)
    },
    refusedWith: 'unreadable',
    ...byParty,
  },
  {
    name: 'whoever keeps the board writes a message without the room’s key',
    async does(scene) {
      return madeOf(scene, await scene.post(new Uint8Array(1024 + 28)))
    },
    refusedWith: 'unreadable',
    ...byParty,
  },
  {
    name: 'a member consents in the name of another',
    does(scene) {
      const { run } = scene.second
      const { world } = scene.lab
      const envelope = world.signed('consent', 'bank', { run }, SHOP)
      return posted(scene, { kind: 'consented', at: world.now, run, envelope })
    },
    refusedWith: 'unproven',
    ...byParty,
  },
  {
    name: 'a consent to one run is posted under another',
    does(scene) {
      const { world } = scene.lab
      const envelope = world.signed('consent', 'bank', { run: scene.first.run })
      return posted(scene, { kind: 'consented', at: world.now, run: scene.second.run, envelope })
    },
    refusedWith: 'unproven',
    ...byParty,
  },
  {
    name: 'a member approves in the name of another',
    does(scene) {
      const { run } = scene.second
      const { world } = scene.lab
      const about = { run, output: 'summaries', digest: '12'.repeat(32), verdict: 'release' } as const
      const envelope = world.signed('approval', 'bank', about, MALLORY)
      return posted(scene, { kind: 'approved', at: world.now, run, envelope })
    },
    refusedWith: 'unproven',
    ...byParty,
  },
  {
    name: 'a member proposes a contract whose output goes to a stranger',
    does(scene) {
      const { world } = scene.lab
      const contract = {
        ...world.contract,
        outputs: world.contract.outputs.map((output) => ({ ...output, receivers: ['press'] })),
      }
      return posted(scene, { kind: 'proposed', at: world.now, contract: JSON.stringify(contract) })
    },
    refusedWith: 'unreadable',
    ...byParty,
  },
  {
    name: 'the board leaves a message out',
    does: (scene) => showing(scene, (page) => ({ ...page, messages: page.messages.slice(1) })),
    refusedWith: 'ROOM_BOARD',
    ...byParty,
  },
  {
    name: 'the board changes the order of messages',
    does: (scene) => showing(scene, (page) => ({ ...page, messages: page.messages.toReversed() })),
    refusedWith: 'ROOM_BOARD',
    ...byParty,
  },
  {
    name: 'the board promises messages for ever',
    does: (scene) => showing(scene, () => ({ messages: [], more: true })),
    refusedWith: 'ROOM_BOARD',
    ...byParty,
  },
]
