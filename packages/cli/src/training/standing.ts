import type { RunView } from '@sotto/protocol/room'
import { isRefusal, type RoomSession } from '../room/session.ts'
import type { PlotPoint } from './plot.ts'
import type { TrainingRun } from './runs.ts'

/** Where a training stands, as its room says; of one that the room has forgotten, as members tell. */
export interface Standing {
  state: RunView['state']
  /** Whether only members tell so, because the room has forgotten the run. */
  isTold: boolean
  /** Steps, or trees, in all; 0 before the first. */
  of: number
  point: PlotPoint
  failure?: NonNullable<RunView['failure']>
}

/** Asks the room. @throws `ROOM_REFUSED`, `ROOM_UNAVAILABLE` */
export async function standingOf(
  { sotto, party }: Pick<RoomSession, 'sotto' | 'party'>,
  { named, run }: TrainingRun,
  signal?: AbortSignal,
): Promise<Standing> {
  try {
    const acting = { party, ...(signal && { signal }) }
    return { ...standingIn(await sotto.rooms.runs.look(named, run.run, acting)), isTold: false }
  } catch (error) {
    if (!isRefusal(error, 'ROOM_RUN_UNKNOWN')) throw error
    const [told] = run.views
    return { ...(told === undefined ? NOTHING : standingIn(told.view)), isTold: true }
  }
}

const NOTHING = { state: 'offered', of: 0, point: { step: 0 } } as const

/** What a view says. Progress is of the last computation of the run, and of one before it while that runs. */
export function standingIn({ state, progress, failure }: RunView): Omit<Standing, 'isTold'> {
  const { done = 0, of = 0, lossMicros } = progress ?? {}
  return {
    state,
    of,
    point: { step: done, ...(lossMicros !== undefined && { loss: lossMicros / 1e6 }) },
    ...(failure && { failure }),
  }
}
