import { setTimeout as sleep } from 'node:timers/promises'
import { SottoError } from '@sotto/protocol/errors'
import { type Command, type CommandContext, defineCommand } from '../../framework/index.ts'
import { openSession, readState, ROOM_FLAGS, type RoomSession, short } from '../../room/index.ts'
import {
  chooseRun,
  drawLoss,
  drawSteps,
  type PlotPoint,
  type Standing,
  standingOf,
  type TrainingRun,
} from '../../training/index.ts'

/** Between two looks. */
const LOOK_MS = 500
/** Looks in a row that may fail because the service does not answer. */
const MAX_MISSES = 60
/** Points that are kept: with more, every other one goes. */
const MAX_POINTS = 8192
const ROWS = 12

/** `sotto train plot` */
export const trainPlot: Command = defineCommand({
  path: ['train', 'plot'],
  summary: 'Draw a training while it runs',
  description:
    'Follows a run until it ends, and draws its loss over steps where the contract shows it to parties, else its steps.\n' +
    'The room keeps no history: the curve begins when you begin to look. With --json one document for each look.',
  arguments: [{ name: 'RUN', summary: 'which (default: the one that was asked for last)', required: false }],
  flags: { once: { type: 'boolean', summary: 'look once' }, ...ROOM_FLAGS },
  examples: ['sotto train plot', 'sotto train plot 3f8a91c2d4e5 --once'],
  async run(context, [wanted], flags) {
    const session = await openSession(context, flags)
    const found = chooseRun(await readState(context, session), wanted)
    const canvas = createCanvas(context)
    let points: PlotPoint[] = []
    let last = ''
    for (;;) {
      const standing = await lookPatiently(context, session, found)
      const { state, of, point } = standing
      const now = JSON.stringify([state, point])
      if (now !== last) {
        last = now
        if (of > 0) points = withPoint(points, point)
        if (context.global.json) context.json({ run: found.run.run, ...standing })
        else canvas.draw(linesOf(context, found, standing, points))
      }
      if (flags.once || (state !== 'running' && state !== 'offered')) break
      await sleep(LOOK_MS, undefined, { signal: context.signal })
    }
    canvas.end()
  },
})

/** Who watches goes on where a service is away for a moment. */
async function lookPatiently(
  context: CommandContext,
  session: RoomSession,
  found: TrainingRun,
): Promise<Standing> {
  for (let misses = 0; ; misses++)
    try {
      return await standingOf(session, found, context.signal)
    } catch (error) {
      context.signal.throwIfAborted()
      if (!(error instanceof SottoError) || error.action !== 'retry' || misses >= MAX_MISSES) throw error
      await sleep(LOOK_MS, undefined, { signal: context.signal })
    }
}

/** A room that starts again counts steps again from a state that it kept. */
function withPoint(points: readonly PlotPoint[], point: PlotPoint): PlotPoint[] {
  const before = points.filter(({ step }) => step < point.step)
  return [...(before.length < MAX_POINTS ? before : before.filter((_, at) => at % 2 === 0)), point]
}

function linesOf(
  { io }: CommandContext,
  { run, transform }: TrainingRun,
  { state, of, point, failure }: Standing,
  points: readonly PlotPoint[],
): string[] {
  return [
    `${short(run.run)}  ${transform}: ${state}`,
    ...drawLoss(points, of, { columns: io.stdout.columns, rows: ROWS }),
    ...(of === 0 ? [] : [drawSteps(point, of)]),
    ...(failure === undefined ? [] : [`${failure.message} [${failure.code}]`]),
  ]
}

/** On a terminal a drawing takes the place of the one before; elsewhere only the last one is printed. */
function createCanvas(context: CommandContext): { draw(lines: readonly string[]): void; end(): void } {
  const { stdout } = context.io
  let drawn: readonly string[] = []
  return {
    draw(lines) {
      if (stdout.isTerminal) {
        if (drawn.length > 0) void stdout.write(`\u001B[${drawn.length}A\u001B[J`)
        for (const line of lines) context.out(line)
      }
      drawn = lines
    },
    end() {
      if (!stdout.isTerminal && !context.global.json) for (const line of drawn) context.out(line)
    },
  }
}
