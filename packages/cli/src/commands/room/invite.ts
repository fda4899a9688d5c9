import { cliError } from '../../errors.ts'
import { type Command, defineCommand } from '../../framework/index.ts'
import { chooseRoom } from '../../room/index.ts'

/** `sotto room invite [NAME]` */
export const roomInvite: Command = defineCommand({
  path: ['room', 'invite'],
  summary: 'Print the invitation to a room again',
  description:
    'For one more party, or where the first time was lost. It asks before, and --json wants --yes: whoever reads the line\n' +
    'is a member for good.',
  arguments: [
    { name: 'NAME', summary: 'a room of sotto room ls (default: the only one here)', required: false },
  ],
  flags: {},
  examples: ['sotto room invite offers'],
  async run(context, [wanted], _flags) {
    const { name, invitation } = await chooseRoom(context.io, wanted)
    if (!(await context.confirm(`Print the secret of ${name} here?`)))
      throw cliError('CLI_CANCELLED', 'nothing was printed')
    if (context.global.json) return context.json({ room: name, invitation })
    context.out(invitation)
  },
})
