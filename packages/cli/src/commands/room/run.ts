import { type AskedRun, ownNameIn, type RoomState } from '@sotto/client/rooms'
import { isTraining, type Name, type NamedContract, planRun } from '@sotto/protocol/contract'
import { cliError } from '../../errors.ts'
import { type Command, type CommandContext, defineCommand } from '../../framework/index.ts'
import {
  askedOf,
  bringToEnd,
  chooseContract,
  CONTRACT_FLAG,
  contractOfRun,
  findRun,
  openSession,
  readState,
  requireDone,
  requireLine,
  requireSigned,
  ROOM_FLAGS,
  type RoomSession,
  short,
} from '../../room/index.ts'

/** `sotto room run TRANSFORM` */
export const roomRun: Command = defineCommand({
  path: ['room', 'run'],
  summary: 'Ask for a run, and see it through',
  description:
    'Asks the room for a run, verifies its evidence, and consents where it reads data of yours. Then waits for the other\n' +
    'owners, begins and follows it, and waits for those who look at results. --go does the same with a run that was asked\n' +
    'for before, whoever asked. A training whose room was lost is asked for again with --resume: it is charged nothing, and\n' +
    'comes to the same. Ctrl-C stops waiting, and ends no run; --cancel does.',
  arguments: [{ name: 'TRANSFORM', summary: 'which computation of the contract', required: false }],
  flags: {
    template: { type: 'string', value: 'NAME', summary: 'which query (default: the only one)' },
    set: {
      type: 'string',
      value: 'NAME=VALUE',
      summary: 'value of a parameter; may be repeated',
      repeats: true,
    },
    note: { type: 'string', value: 'TEXT', summary: 'one line for the others' },
    once: { type: 'boolean', summary: 'do what can be done now, and wait for nobody' },
    go: { type: 'string', value: 'RUN', summary: 'go on with a run that was asked for' },
    resume: {
      type: 'string',
      value: 'RUN',
      summary: 'ask again for a training that was charged and left nothing',
    },
    anew: { type: 'boolean', summary: 'with --resume: from the beginning, whatever states were kept' },
    cancel: { type: 'string', value: 'RUN', summary: 'end a run' },
    ...CONTRACT_FLAG,
    ...ROOM_FLAGS,
  },
  examples: [
    'sotto room run offers --template by-region --set region=north --set age=30',
    'sotto room run --go 3f8a91c2d4e5',
  ],
  async run(context, [transform], flags) {
    const ways = [transform, flags.go, flags.resume, flags.cancel].filter((one) => one !== undefined)
    if (ways.length !== 1)
      throw cliError('CLI_USAGE', 'name one computation, or a run with --go, --resume or --cancel', {
        hint: 'sotto room status shows what can be run',
      })
    const note = requireLine('--note', flags.note)
    const session = await openSession(context, flags)
    if (flags.cancel !== undefined) return cancel(context, session, flags.cancel)
    const waits = !flags.once
    if (flags.go !== undefined) {
      const { run } = findRun(await readState(context, session), flags.go)
      return seeThrough(context, session, run, waits)
    }
    const state = await readState(context, session)
    const { named, asked } =
      flags.resume === undefined
        ? await askAnew(session, state, transform!, flags)
        : askAgain(state, flags.resume, flags.anew)
    await requireSigned(session, named)
    const offered = await session.room.ask(named, { ...asked, ...(note !== undefined && { note }) })
    const { run } = offered
    const consents = [...offered.consents.keys()]
    context.note(`asked for ${short(run)}, and the room passed every step`)
    const own = ownNameIn(named.contract, session.own.key)
    if (own !== undefined && consents.includes(own)) context.note('you consented: it reads data of yours')
    if (waits) return seeThrough(context, session, run, waits)
    const { owners } = planRun(named.contract, asked.transform)
    if (context.global.json) return context.json({ run, state: 'offered', owners, consents })
    context.out(run)
    context.note(
      `owners consent with sotto room vote ${short(run)} yes; then: sotto room run --go ${short(run)}`,
    )
  },
})

/** A run of a computation of a contract. */
async function askAnew(
  session: RoomSession,
  state: RoomState,
  transform: Name,
  flags: Parameters<typeof askedOf>[2] & { contract: string | undefined },
): Promise<{ named: NamedContract; asked: AskedRun }> {
  const named = await chooseContract(
    session,
    state,
    flags.contract,
    `contract of yours with a computation ${transform}`,
    ({ transforms }) => transforms.some(({ name }) => name === transform),
  )
  return { named, asked: askedOf(named.contract, transform, flags) }
}

/** A training from the last state of it that somebody told of, which only a room can tell from a wrong one. */
function askAgain(
  state: RoomState,
  prefix: string,
  isAnew: boolean,
): { named: NamedContract; asked: AskedRun } {
  const found = findRun(state, prefix)
  const named = contractOfRun(state, found)
  const { transform, resumes = found.run } = found.offered.offer
  const { task } = named.contract.transforms.find(({ name }) => name === transform)!
  if (!isTraining(task))
    throw cliError('ROOM_ITEM', `${short(found.run)} is no training, and begins anew`, {
      hint: `sotto room run ${transform}`,
    })
  const checkpoints = isAnew ? [] : found.views.flatMap(({ view }) => view.checkpoint ?? [])
  const checkpoint = checkpoints.toSorted((a, b) => a.step - b.step).at(-1)
  return { named, asked: { transform, resumes, ...(checkpoint && { checkpoint }) } }
}

async function seeThrough(
  context: CommandContext,
  session: RoomSession,
  run: string,
  waits: boolean,
): Promise<void> {
  const view = await bringToEnd(context, session, run, { waits })
  requireDone(view)
  if (context.global.json)
    return context.json({
      run,
      state: view.state,
      outputs: view.outputs.length,
      // What is done was verified, else this had ended before.
      isProven: true,
    })
  context.out(run)
  context.note(`done; receivers open what they got: sotto room outputs ${short(run)}`)
}

async function cancel(context: CommandContext, session: RoomSession, prefix: string): Promise<void> {
  const state = await readState(context, session)
  const found = findRun(state, prefix)
  const named = contractOfRun(state, found)
  if (!(await context.confirm(`End the run ${short(found.run)}? What it was charged stays charged.`)))
    throw cliError('CLI_CANCELLED', 'the run was not ended')
  const view = await session.room.cancel(named, found.run)
  if (context.global.json) context.json({ run: found.run, state: view.state })
  else context.out(`${short(found.run)} is ${view.state}`)
}
