import { fingerprint, hasSameKeys, type RoomState } from '@sotto/client/rooms'
import { toBase64Url } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { resolve } from 'node:path'
import { cliError } from '../../errors.ts'
import { type Command, defineCommand } from '../../framework/index.ts'
import {
  contractOf,
  describeContract,
  openSession,
  readDraft,
  readDraftFiles,
  readState,
  ROOM_FLAGS,
  type RoomSession,
  short,
} from '../../room/index.ts'
import { printableLine } from '../../terminal/index.ts'
import type { Draft } from '../../room/draft/index.ts'

const SALT_BYTES = 32

/** `sotto room propose FILE` */
export const roomPropose: Command = defineCommand({
  path: ['room', 'propose'],
  summary: 'Show a contract to the others',
  description:
    'Makes a contract of a draft (sotto help rooms shows one): with the keys of the members of the room, the image of the\n' +
    "service's verified room where the draft names none, and a salt. It is checked here as every party will check it.\n" +
    'Nobody is bound by a proposal, its writer neither: sotto room vote signs.',
  arguments: [{ name: 'FILE', summary: 'the draft, YAML', required: true }],
  flags: ROOM_FLAGS,
  examples: ['sotto room propose offers.yaml', 'sotto room propose offers.yaml --room offers --json'],
  async run(context, [file = ''], flags) {
    const draft = await readDraft(resolve(context.io.cwd, file))
    const files = await readDraftFiles(draft, context.signal)
    const session = await openSession(context, flags)
    const state = await readState(context, session)
    requireUndisputed(draft, session, state)
    const contract = contractOf(draft, {
      genesis: session.genesis,
      parties: new Map([...state.members].map(([name, { party }]) => [name, party])),
      room: await imagesFor(draft, session, context.signal),
      salt: toBase64Url(crypto.randomBytes(SALT_BYTES)),
      now: Math.floor(context.io.now() / 1000),
      files,
    })
    const { digest } = await session.room.propose(contract.contract)
    if (context.global.json) return context.json({ contract: digest, ...contract.contract })
    for (const line of describeContract(contract, { ownKey: session.own.key }))
      context.out(printableLine(line))
    context.note(
      `proposed ${short(digest)}; every party signs it, you too: sotto room vote ${short(digest)} yes`,
    )
  },
})

/** What the verified room of the service is, where a transform does not say which rooms it admits. */
async function imagesFor(
  { transforms }: Draft,
  { sotto }: RoomSession,
  signal: AbortSignal,
): Promise<string[]> {
  if (Object.values(transforms).every(({ room }) => room !== undefined)) return []
  const { images } = await sotto.rooms.runs.room(signal)
  // A room is one of all images that statements name for it, so each of them has to be admitted.
  return images
}

/** A contract with a key that is in dispute would be one with nobody knows whom. @throws `ROOM_MEMBER` */
function requireUndisputed(
  { parties }: Draft,
  { own }: RoomSession,
  { members, conflicts }: RoomState,
): void {
  const disputed = conflicts.find(({ party }) => parties.includes(party.name))?.party
  if (disputed !== undefined)
    throw cliError('ROOM_MEMBER', `two members call themselves ${disputed.name}`, {
      found: [members.get(disputed.name)?.party, disputed]
        .flatMap((party) => (party ? [fingerprint(party)] : []))
        .join(' and '),
      hint: 'have everybody join again, in a new room or under another name',
    })
  const me = parties.map((name) => members.get(name)?.party).find((party) => hasSameKeys(party, own))
  if (me !== undefined) return
  throw cliError('ROOM_MEMBER', 'you are no party of this draft', {
    expected: `${own.name} among the parties`,
    found: parties.join(', '),
  })
}
