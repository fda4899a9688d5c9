import { setTimeout as sleep } from 'node:timers/promises'
import type { RoomRun } from '@sotto/client/rooms'
import type { Name, NamedContract } from '@sotto/protocol/contract'
import { type Digest, documentDigest } from '@sotto/protocol/keyrelease'
import { SottoError } from '@sotto/protocol/errors'
import type { RunView } from '@sotto/protocol/room'
import { cliError } from '../errors.ts'
import type { CommandContext } from '../framework/index.ts'
import { contractOfRun, findRun, short } from './items.ts'
import { missingApprovals, missingConsents } from './missing.ts'
import { findProven, requireProven } from './proven.ts'
import { isRefusal, type RoomSession } from './session.ts'

/** Between two looks at the board. */
const POLL_MS = 1000

/** Whether others are waited for. */
export interface Patience {
  waits: boolean
}

/** Looks in a row that may fail because a service does not answer: about a minute. */
const MAX_MISSES = 60

/**
 * Brings a run as far as it gets: begins it once every owner has consented, follows it, and brings approvals once every
 * owner who looks at outputs has given them. Whoever waits does not stop because a service is away for a moment.
 * @returns the view of a run that is over; one that is done was verified
 * @throws `ROOM_WAITING` where others have to act and nobody waits for them, or the offer is over; `ROOM_STATE` where
 * members tell what nothing proves; codes of rooms
 */
export async function bringToEnd(
  context: CommandContext,
  session: RoomSession,
  digest: Digest,
  { waits }: Patience,
): Promise<RunView> {
  const { signal } = context
  const say = createTeller(context)
  let misses = 0
  let isRunning = false
  const onView = (view: RunView): void => {
    isRunning = view.state === 'running'
    say(describeProgress(view))
  }
  for (;;) {
    try {
      const step = await takeStep(context, session, digest, { say, onView })
      misses = 0
      if ('over' in step) return step.over
      if (!waits) throw step.waiting
      say(step.waiting.message)
    } catch (error) {
      if (signal.aborted && isRunning)
        context.note(`the run ends by itself; sotto room run --go ${short(digest)} looks again`)
      signal.throwIfAborted()
      const isAway = error instanceof SottoError && error.action === 'retry' && error.code !== 'ROOM_WAITING'
      if (!waits || !isAway || ++misses > MAX_MISSES) throw error
      say(`${error.message}; trying again`)
    }
    await sleep(POLL_MS, undefined, { signal })
  }
}

/** All that can be done with a run now. @returns its view where it is over, else why it has to be waited for */
async function takeStep(
  context: CommandContext,
  session: RoomSession,
  digest: Digest,
  { say, onView }: { say: (line: string) => void; onView: (view: RunView) => void },
): Promise<{ over: RunView } | { waiting: Error }> {
  const { signal } = context
  const state = await session.room.state()
  const run = findRun(state, digest)
  const named = contractOfRun(state, run)
  const follow = { signal, onView }
  const found = await lookAt(session, named, run, follow)
  tellDeclined(run, say)
  if ('proven' in found) return { over: found.proven }
  let { view } = found
  if (view.state === 'offered') {
    const missing = missingConsents(named, run)
    if (missing.length > 0) {
      requireTime(context, run)
      return { waiting: waitingFor(run, view, missing) }
    }
    view = await session.room.begin(named, run, follow)
    if (view.state === 'offered')
      throw cliError('ROOM_STATE', `the room did not begin the run ${short(run.run)}`, {
        expected: 'running',
        found: view.state,
      })
  } else await tellOthers(session, run, view, say)
  if (view.state === 'waiting') {
    const missing = missingApprovals(named, run)
    if (missing.length > 0) return { waiting: waitingFor(run, view, missing) }
    view = await session.room.release(named, run, follow)
    // The room may know of an owner whose word the board did not show yet.
    if (view.state === 'waiting')
      return { waiting: cliError('ROOM_WAITING', `the room still waits for who looks at ${short(run.run)}`) }
  }
  if (view.state === 'done') await requireProven(session, named, run, view)
  return { over: view }
}

/** What the room itself says, and looks until it rests; where it has forgotten the run, what members told and is proven. */
async function lookAt(
  session: RoomSession,
  named: NamedContract,
  run: RoomRun,
  follow: { onView: (view: RunView) => void; signal: AbortSignal },
): Promise<{ view: RunView } | { proven: RunView }> {
  try {
    return { view: await session.room.follow(named, run.run, follow) }
  } catch (error) {
    if (!isRefusal(error, 'ROOM_RUN_UNKNOWN')) throw error
    const proven = await findProven(session, named, run)
    if (proven !== undefined) return { proven }
    throw forgotten(run, error)
  }
}

/** Any member can tell anything of a run that the room has forgotten. */
function forgotten({ run, views }: RoomRun, cause: unknown): Error {
  const [told] = views
  const hint = 'ask for it again: sotto room run'
  if (told === undefined)
    return cliError('ROOM_STATE', `the room does not know the run ${short(run)} any more`, { hint, cause })
  const { state, failure } = told.view
  const why = failure === undefined ? '' : `: ${failure.message}`
  return cliError(
    'ROOM_STATE',
    `members tell that the run ${short(run)} is ${state}${why}; the room does not know it any more, and nothing proves it`,
    { hint, cause },
  )
}

/** Whoever began a run may be gone: the others learn how it stands from whoever finds out. */
async function tellOthers(
  { room }: RoomSession,
  { views }: RoomRun,
  view: RunView,
  say: (line: string) => void,
): Promise<void> {
  // A view of the same state may be one that somebody made up.
  const digest = documentDigest(view)
  if (views.some((told) => documentDigest(told.view) === digest)) return
  await room.tell(view).catch((error: unknown) => {
    // Where the board is full, this party still learns how its run ended.
    if (!(error instanceof SottoError)) throw error
    say(`the others were not told: ${error.message}`)
  })
}

/** Nothing begins after the time of its offer. */
function requireTime({ io }: CommandContext, { run, offered }: RoomRun): void {
  if (io.now() < offered.offer.notAfter * 1000) return
  throw cliError('ROOM_WAITING', `the time in which ${short(run)} could begin is over`, {
    hint: 'ask for it again: sotto room run',
  })
}

function waitingFor({ run }: RoomRun, { state }: RunView, parties: readonly Name[]): Error {
  const what = state === 'offered' ? 'to consent' : 'to look at the result'
  const command = `sotto room vote ${short(run)} yes`
  return cliError('ROOM_WAITING', `the run waits for ${parties.join(', ')} ${what}: ${command}`, {
    hint: `then go on with it: sotto room run --go ${short(run)}`,
  })
}

/** Unsigned, so it stops nothing: people talk to each other. */
function tellDeclined({ declined }: RoomRun, say: (line: string) => void): void {
  const last = declined.at(-1)
  if (last === undefined) return
  say(`${last.party} does not consent, says somebody${last.reason === undefined ? '' : `: ${last.reason}`}`)
}

/** Lines that one computation is told in at most: a training has many steps. */
const TOLD = 20

function describeProgress({ run, state, progress }: RunView): string {
  const { transform, done = 0, of = 0 } = progress ?? {}
  const told = done - (done % Math.max(1, Math.floor(of / TOLD)))
  const where = transform === undefined ? '' : `: ${transform}, ${done === of ? done : told} of ${of}`
  return `run ${short(run)} is ${state}${where}`
}

/** Says what is new, once. */
function createTeller(context: CommandContext): (line: string) => void {
  const said = new Set<string>()
  return (line) => {
    if (said.has(line)) return
    said.add(line)
    context.note(line)
  }
}

/** Requires a run to have given its outputs. @throws `ROOM_RUN_FAILED` with the rule that was broken, if one was */
export function requireDone({ run, state, failure }: RunView): void {
  if (state === 'done') return
  if (state === 'cancelled')
    throw cliError('ROOM_RUN_FAILED', `the run ${short(run)} was ended before it was done`, {
      hint: 'what it was charged stays charged',
    })
  throw cliError(
    'ROOM_RUN_FAILED',
    `the run ${short(run)} failed: ${failure?.message ?? 'the room does not say why'}`,
    {
      ...(failure && {
        found: failure.rule === undefined ? failure.code : `${failure.code}, rule ${failure.rule}`,
      }),
      hint: 'nothing left the room; what it was charged stays charged',
    },
  )
}
