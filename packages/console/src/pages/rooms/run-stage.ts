import type { RoomRun } from '@sotto/client/rooms'
import { type Name, type NamedContract, planRun } from '@sotto/protocol/contract'
import type { UnixSeconds } from '@sotto/protocol/keyrelease'
import type { RunView } from '@sotto/protocol/room'
import type { words } from '../../words/index.ts'

/** What a run waits for, or how it ended. */
export type RunStage = keyof typeof words.rooms.runs.stages

/** What a reviewer said of the outputs of a run: `undefined` while some of them are undecided. */
export function decisionOf(
  named: Pick<NamedContract, 'contract'>,
  { offered, approvals }: Pick<RoomRun, 'offered' | 'approvals'>,
  reviewer: Name,
): 'release' | 'refuse' | undefined {
  const said = approvals.map(({ approval }) => approval).filter(({ party }) => party === reviewer)
  if (said.some(({ verdict }) => verdict === 'refuse')) return 'refuse'
  const { outputs } = planRun(named.contract, offered.offer.transform)
  return outputs.every(({ name }) => said.some(({ output }) => output === name)) ? 'release' : undefined
}

/**
 * Where a run stands. What members tell of it is their word: nothing here says that it is so.
 * @param live what the room itself said last; absent: nobody asked it here
 * @param isProven whether every statement of a run that is done was verified: then it is, whatever else is told
 */
export function stageOf(
  named: Pick<NamedContract, 'contract'>,
  run: RoomRun,
  { live, isProven = false, now }: { live?: RunView | undefined; isProven?: boolean; now: UnixSeconds },
): RunStage {
  if (isProven) return 'done'
  const { offer } = run.offered
  const plan = planRun(named.contract, offer.transform)
  const view = furthest(run.views[0]?.view, live)
  if (view === undefined || view.state === 'offered') {
    if (now >= offer.notAfter) return 'expired'
    return plan.owners.every((owner) => run.consents.has(owner)) ? 'ready' : 'consents'
  }
  if (view.state !== 'waiting') return view.state
  const decisions = plan.reviewers.map((reviewer) => decisionOf(named, run, reviewer))
  const isDecided = decisions.includes('refuse') || decisions.every((decision) => decision === 'release')
  return isDecided ? 'decided' : 'waiting'
}

const ORDER: readonly RunView['state'][] = ['offered', 'running', 'waiting']

/** A run never goes back. */
export function furthest(posted: RunView | undefined, live: RunView | undefined): RunView | undefined {
  if (posted === undefined || live === undefined) return posted ?? live
  return rankOf(live) >= rankOf(posted) ? live : posted
}

/** Every end is the end. */
function rankOf({ state }: RunView): number {
  const rank = ORDER.indexOf(state)
  return rank === -1 ? ORDER.length : rank
}
