import { type Command, type CommandContext, defineCommand } from '../../framework/index.ts'
import { CONTRACT_FLAG, openSession, readState, ROOM_FLAGS } from '../../room/index.ts'
import { onlyTraining } from '../../training/index.ts'
import { roomRun } from '../room/run.ts'

const RUN_FLAGS = {
  note: { type: 'string', value: 'TEXT', summary: 'one line for the others' },
  once: { type: 'boolean', summary: 'do what can be done now, and wait for nobody' },
  go: { type: 'string', value: 'RUN', summary: 'go on with a training that was asked for' },
  ...CONTRACT_FLAG,
  ...ROOM_FLAGS,
} as const

/** `sotto train run` */
export const trainRun: Command = defineCommand({
  path: ['train', 'run'],
  summary: 'Ask for a training, and see it through',
  description:
    'As sotto room run, of the only training of your contract where none is named: asks the room, verifies its evidence,\n' +
    'consents where it reads data of yours, waits for the other owners, begins, and follows it to its end. What it costs\n' +
    'is charged before it begins, and stays charged. sotto train plot draws it meanwhile, in another terminal.',
  arguments: [{ name: 'TRANSFORM', summary: 'which training of the contract', required: false }],
  flags: RUN_FLAGS,
  examples: ['sotto train run', 'sotto train run fraud --once', 'sotto train run --go 3f8a91c2d4e5'],
  async run(context, [transform], flags) {
    if (transform !== undefined || flags.go !== undefined) return ask(context, transform, flags)
    const session = await openSession(context, flags)
    const state = await readState(context, session)
    return ask(context, await onlyTraining(session, state, flags.contract), flags)
  },
})

/** `sotto train resume RUN` */
export const trainResume: Command = defineCommand({
  path: ['train', 'resume'],
  summary: 'Go on with a training whose room was lost',
  description:
    'Asks for it again where it was charged and nothing of it has left: as sotto room run --resume. Every owner consents\n' +
    'once more, for it is another room. It is charged nothing, goes on from its last sealed state where the board has one,\n' +
    'and comes to the model that it would have come to.',
  arguments: [{ name: 'RUN', summary: 'the run, or the beginning of its digest', required: true }],
  flags: {
    anew: { type: 'boolean', summary: 'from the beginning, whatever states were kept' },
    note: { type: 'string', value: 'TEXT', summary: 'one line for the others' },
    once: { type: 'boolean', summary: 'do what can be done now, and wait for nobody' },
    ...ROOM_FLAGS,
  },
  examples: ['sotto train resume 3f8a91c2d4e5'],
  run: async (context, [run], flags) => ask(context, undefined, { ...flags, resume: run }),
})

/** `sotto train cancel RUN` */
export const trainCancel: Command = defineCommand({
  path: ['train', 'cancel'],
  summary: 'End a training before it is done',
  description: 'As sotto room run --cancel. Nothing leaves the room, and what it was charged stays charged.',
  arguments: [{ name: 'RUN', summary: 'the run, or the beginning of its digest', required: true }],
  flags: ROOM_FLAGS,
  examples: ['sotto train cancel 3f8a91c2d4e5'],
  run: async (context, [run], flags) => ask(context, undefined, { ...flags, cancel: run }),
})

/** What is asked for and waited for is a run of a room as any other. */
async function ask(
  context: CommandContext,
  transform: string | undefined,
  flags: object,
): Promise<number | void> {
  return roomRun.run(context, transform === undefined ? [] : [transform], {
    once: false,
    anew: false,
    ...flags,
  } as never)
}
