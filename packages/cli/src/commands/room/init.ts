import { encodeInvitation, fingerprint, newRoomSecret } from '@sotto/client/rooms'
import { type Command, defineCommand } from '../../framework/index.ts'
import { findRoom, KEY_FLAG, roomFile } from '../../room/index.ts'
import { TARGET_FLAGS } from '../../service/index.ts'
import { AS_FLAG, joinOnce, keepRoom, requireParty } from './enter.ts'

/** `sotto room init NAME` */
export const roomInit: Command = defineCommand({
  path: ['room', 'init'],
  summary: 'Make a clean room, and the invitation to it',
  description:
    'Verifies the service, opens a board there, for which the operator has to have admitted your key, and prints the\n' +
    'invitation once. Whoever reads the invitation is a member: it can read and write all messages, and prove nothing.\n' +
    'The secret stays in rooms/NAME/room.json in the folder of the configuration, which only you may read.',
  arguments: [{ name: 'NAME', summary: 'what you call the room', required: true }],
  flags: { ...AS_FLAG, ...KEY_FLAG, ...TARGET_FLAGS },
  examples: ['sotto room init offers --as bank', 'sotto room init offers --as bank --json'],
  async run(context, [name = ''], flags) {
    const party = requireParty(flags.as)
    // One that was interrupted has a secret already.
    const before = await findRoom(context.io, name)
    const invitation = before?.isJoined === false ? before.invitation : encodeInvitation(newRoomSecret())
    const entered = await keepRoom(context, { name, party, invitation, key: flags.key }, flags)
    const { session, saved } = entered
    await session.room.create()
    await joinOnce(context, entered)
    const own = fingerprint(session.own)
    const file = roomFile(context.io, name)
    if (context.global.json)
      return context.json({ room: name, party, key: session.party.key, fingerprint: own, invitation, file })
    context.out(saved.invitation)
    context.note(
      'give this line to each of the others, over a channel that you trust to be theirs and that nobody else reads (in\n' +
        'person, an encrypted messenger); never by plain mail or in a ticket. It is shown again by sotto room invite alone.',
    )
    context.note('they run: sotto room join - --as THEIR-NAME, and paste it')
    context.note(`your fingerprint, which they compare by voice or in person: ${own}`)
  },
})
