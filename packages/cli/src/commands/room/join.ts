import { fingerprint, hasSameKeys, parseInvitation } from '@sotto/client/rooms'
import { type Command, type CommandContext, defineCommand } from '../../framework/index.ts'
import { openInput, readText } from '../../input/index.ts'
import { readHiddenLine } from '../../room/hidden-line.ts'
import { announceConflicts } from '../../room/session.ts'
import { KEY_FLAG, roomFile } from '../../room/index.ts'
import { TARGET_FLAGS } from '../../service/index.ts'
import { AS_FLAG, joinOnce, keepRoom, requireParty } from './enter.ts'

const MAX_INVITATION_BYTES = 1024

/** `sotto room join INVITATION` */
export const roomJoin: Command = defineCommand({
  path: ['room', 'join'],
  summary: 'Enter a clean room that somebody invited you to',
  description:
    'Says under your key that you take part. What is on a command line other users of the machine may see: better pass -\n' +
    'and give the invitation on standard input, which a terminal does not show. Then compare fingerprints with the\n' +
    'others, by another channel.',
  arguments: [{ name: 'INVITATION', summary: 'sotto-room:..., or - for standard input', required: true }],
  flags: {
    ...AS_FLAG,
    name: { type: 'string', value: 'NAME', summary: 'what you call the room (default: by its board)' },
    ...KEY_FLAG,
    ...TARGET_FLAGS,
  },
  examples: [
    'sotto room join - --as retailer < invitation.txt',
    'sotto room join - --as retailer --name offers',
  ],
  async run(context, [given = ''], flags) {
    const party = requireParty(flags.as)
    const invitation = given === '-' ? await readInvitation(context) : given.trim()
    const { board } = parseInvitation(invitation)
    const name = flags.name ?? `room-${board.slice(0, 8)}`
    const entered = await keepRoom(context, { name, party, invitation, key: flags.key }, flags)
    const { session } = entered
    await joinOnce(context, entered)
    const state = await session.room.state()
    announceConflicts(context, state, session.own)
    const others = [...state.members.values()].map((member) => member.party)
    const own = fingerprint(session.own)
    const file = roomFile(context.io, name)
    if (context.global.json)
      return context.json({
        room: name,
        party,
        key: session.party.key,
        fingerprint: own,
        members: others.map((one) => ({ name: one.name, fingerprint: fingerprint(one) })),
        file,
      })
    context.out(`joined ${name} as ${party}`)
    for (const one of others)
      context.out(
        `  ${one.name.padEnd(12)} ${fingerprint(one)}${hasSameKeys(one, session.own) ? '  (you)' : ''}`,
      )
    context.note('compare these with the others, by voice or in person, before you accept anything')
  },
})

/** The one line on standard input, without echo on a terminal. It is in no error. */
async function readInvitation(context: CommandContext): Promise<string> {
  const { io } = context
  const line = io.stdin.isTerminal
    ? await readHiddenLine(io, 'invitation (it does not show): ', MAX_INVITATION_BYTES)
    : await readText(await openInput(io, ['-']), MAX_INVITATION_BYTES)
  return line.trim()
}
