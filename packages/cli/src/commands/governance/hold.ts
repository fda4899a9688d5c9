import { type Hold, signMemberJws } from '@sotto/protocol/governance'
import { cliError } from '../../errors.ts'
import { type Command, defineCommand } from '../../framework/index.ts'
import { holdAnswerDecoder, MEMBER_FLAGS, openDesk, openMember, readAnswer } from '../../governance/index.ts'
import { printableLine } from '../../terminal/index.ts'

/** `sotto hold` */
export const hold: Command = defineCommand({
  path: ['hold'],
  summary: 'Stop the release of keys, at once and alone',
  description:
    'Any single member can do this. No machine gets request keys any more until enough members accept ' +
    'sotto propose resume; machines that hold keys keep them until these end, a day at most. Warns while the ' +
    'hold is not in the log: until then nobody else could tell that it was made. May be repeated.',
  flags: {
    ...MEMBER_FLAGS,
    reason: { type: 'string', value: 'TEXT', summary: 'why, for the other members and the log' },
  },
  examples: ['sotto hold --reason "image 1.4.2 leaks" --key alice.key'],
  async run(context, _args, flags) {
    if (flags.reason === undefined)
      throw cliError('CLI_USAGE', 'a hold needs a reason', { hint: 'pass --reason TEXT' })
    const desk = await openDesk(context, flags)
    const { governance, kmsUrl, ask } = desk
    const { signer, name } = await openMember(context, flags.key, desk)
    const document: Hold = {
      version: 1,
      genesis: governance.inForce.genesis,
      reason: flags.reason,
      createdAt: Math.floor(context.io.now() / 1000),
    }
    const token = signMemberJws('hold', document, signer)
    const { holds } = readAnswer(await ask(`${kmsUrl}/v1/holds`, { hold: token }), holdAnswerDecoder)
    // A member has one hold: what stands may be an earlier one.
    const standing = holds.find(({ member }) => member.key === signer.key)
    if (standing === undefined)
      throw cliError('CLI_SERVICE', 'the KMS took the hold and does not say that it stands', {
        hint: 'hold again, and tell the other members',
      })
    const { id, reason, index } = standing
    const isLogged = index !== undefined
    if (!isLogged)
      context.warn(
        'the log does not hold it yet: whoever runs the KMS could still undo it; hold again until it does',
      )
    if (context.global.json) context.json({ hold: id, member: name, reason, logged: isLogged })
    else {
      context.out(`held ${id}`)
      context.note(printableLine('no keys are released until members accept sotto propose resume'))
    }
  },
})
