import { type ConsentKind, CONSENTS, type NamedContract } from '@sotto/protocol/contract'
import { cliError } from '../../errors.ts'
import { type Command, type CommandContext, defineCommand } from '../../framework/index.ts'
import {
  chooseContract,
  nameOfContract,
  openSession,
  readState,
  requireWholeDigest,
  ROOM_FLAGS,
  type RoomFlags,
  type RoomSession,
  short,
} from '../../room/index.ts'

const CONTRACT = {
  name: 'CONTRACT',
  summary: 'digest or its beginning (default: the only one in force); whole with --yes',
  required: false,
} as const
const EFFECT: Readonly<Record<ConsentKind, string>> = {
  execution: 'From the next release on nothing runs under it any more, for nobody.',
  logging: 'From the next event on the log holds nothing of it.',
  telemetry: 'From the next run on it is in no metrics.',
}

/** `sotto room withdraw KIND [CONTRACT]` */
export const roomWithdraw: Command = defineCommand({
  path: ['room', 'withdraw'],
  summary: 'Take a consent of a contract back, for good',
  description:
    'execution: nothing runs any more under this contract. logging: its events go into the log no more. telemetry: its\n' +
    'runs are counted no more. It holds from the next release on, and cannot be taken back.',
  arguments: [{ name: 'KIND', summary: CONSENTS.join(', '), required: true, choices: CONSENTS }, CONTRACT],
  flags: ROOM_FLAGS,
  examples: ['sotto room withdraw execution 3f8a91c2d4e5'],
  async run(context, [given, wanted], flags) {
    const kind = CONSENTS.find((one) => one === given)
    if (kind === undefined)
      throw cliError('CLI_USAGE', 'what is to be withdrawn?', {
        expected: CONSENTS.join(' or '),
        found: given ?? '',
      })
    const { session, named } = await chosen(context, flags, wanted)
    await ask(context, `Withdraw ${kind} from ${nameOfContract(named)}, for good? ${EFFECT[kind]}`)
    const { sotto, party } = session
    const { phase, withdrawn } = await sotto.rooms.withdraw(named, kind, { party, signal: context.signal })
    if (context.global.json) context.json({ contract: named.digest, phase, withdrawn })
    else context.out(`withdrew ${kind} from ${short(named.digest)}: it is ${phase}`)
  },
})

/** `sotto room close [CONTRACT]` */
export const roomClose: Command = defineCommand({
  path: ['room', 'close'],
  summary: 'End a contract for your part; it is closed when all parties have',
  arguments: [CONTRACT],
  flags: ROOM_FLAGS,
  examples: ['sotto room close', 'sotto room close 3f8a91c2d4e5'],
  async run(context, [wanted], flags) {
    const { session, named } = await chosen(context, flags, wanted)
    await ask(context, `End ${nameOfContract(named)} for your part, for good?`)
    const { phase, closed } = await session.room.close(named)
    const missing = named.contract.parties.map(({ name }) => name).filter((name) => !closed.includes(name))
    if (context.global.json) context.json({ contract: named.digest, phase, closed, missing })
    else
      context.out(
        phase === 'closed'
          ? `${short(named.digest)} is closed`
          : `ended for your part; ${missing.join(', ')} ${missing.length === 1 ? 'has' : 'have'} not`,
      )
  },
})

async function chosen(
  context: CommandContext,
  flags: RoomFlags,
  wanted: string | undefined,
): Promise<{ session: RoomSession; named: NamedContract }> {
  requireWholeDigest(context, wanted)
  const session = await openSession(context, flags)
  const state = await readState(context, session)
  return { session, named: await chooseContract(session, state, wanted) }
}

async function ask(context: CommandContext, question: string): Promise<void> {
  if (!(await context.confirm(question))) throw cliError('CLI_CANCELLED', 'nothing was signed')
}
