import { type Command, defineCommand } from '../../framework/index.ts'
import { openSession, readState, ROOM_FLAGS, short } from '../../room/index.ts'
import { printableLine } from '../../terminal/index.ts'
import { drawSteps, type Standing, standingOf, type TrainingRun, trainingRuns } from '../../training/index.ts'

/** `sotto train status` */
export const trainStatus: Command = defineCommand({
  path: ['train', 'status'],
  summary: 'Say how far trainings of a room have come',
  description:
    'Each run of a training that the board knows, with its steps as the room counts them, and its loss where the contract\n' +
    'shows it. Who has to consent, budgets and what you can do next are in sotto room status.',
  flags: ROOM_FLAGS,
  examples: ['sotto train status', 'sotto train status --json'],
  async run(context, _args, flags) {
    const session = await openSession(context, flags)
    const runs = trainingRuns(await readState(context, session))
    const found: { run: TrainingRun; standing: Standing }[] = []
    for (const run of runs) found.push({ run, standing: await standingOf(session, run, context.signal) })
    if (context.global.json)
      return context.json({
        trainings: found.map(({ run: { run, named, transform }, standing }) => ({
          run: run.run,
          contract: named.digest,
          transform,
          ...standing,
        })),
      })
    for (const one of found) for (const line of linesOf(one)) context.out(printableLine(line))
    if (found.length === 0) context.note('nobody has asked for a training yet: sotto train run')
  },
})

function linesOf({ run: { run, transform }, standing }: { run: TrainingRun; standing: Standing }): string[] {
  const { state, isTold, of, point, failure } = standing
  return [
    `${short(run.run)}  ${transform}: ${isTold && state !== 'offered' ? `members say that it is ${state}` : state}`,
    ...(of === 0 ? [] : [`  ${drawSteps(point, of)}`]),
    ...(failure === undefined ? [] : [`  ${failure.message} [${failure.code}]`]),
  ]
}
