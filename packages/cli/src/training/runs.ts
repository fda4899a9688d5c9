import type { RoomRun, RoomState } from '@sotto/client/rooms'
import { type Contract, isTraining, type Name, type NamedContract } from '@sotto/protocol/contract'
import { cliError } from '../errors.ts'
import { chooseContract, contractOfRun, findRun, type RoomSession, short } from '../room/index.ts'

/** A run of a training. */
export interface TrainingRun {
  named: NamedContract
  run: RoomRun
  transform: Name
}

/** Names of what is trained. */
export function trainingsOf({ transforms }: Contract): Name[] {
  return transforms.filter(({ task }) => isTraining(task)).map(({ name }) => name)
}

/**
 * The training that is meant where none was named: the only one of contracts of this party.
 * @throws `ROOM_ITEM`
 */
export async function onlyTraining(
  session: RoomSession,
  state: RoomState,
  wanted: string | undefined,
): Promise<Name> {
  const { contract, digest } = await chooseContract(
    session,
    state,
    wanted,
    'contract of yours with a training',
    (one) => trainingsOf(one).length > 0,
  )
  const names = trainingsOf(contract)
  const [only] = names
  if (only !== undefined && names.length === 1) return only
  throw cliError('ROOM_ITEM', `the contract ${short(digest)} has several trainings`, {
    found: names.join(', '),
    hint: 'name one: sotto train run TRANSFORM',
  })
}

/** Runs of trainings that the board knows, the oldest first. */
export function trainingRuns(state: RoomState): TrainingRun[] {
  return [...state.runs.values()].flatMap((run) => {
    const { offer } = run.offered
    const proposed = state.proposals.get(offer.contract)
    const task = proposed?.contract.transforms.find(({ name }) => name === offer.transform)?.task
    if (proposed === undefined || task === undefined || !isTraining(task)) return []
    const named = { contract: proposed.contract, digest: proposed.digest }
    return [{ named, run, transform: offer.transform }]
  })
}

/**
 * The run that is meant: by its digest, or the one that was asked for last.
 * @throws `ROOM_ITEM`, `CLI_USAGE`
 */
export function chooseRun(state: RoomState, wanted: string | undefined): TrainingRun {
  const all = trainingRuns(state)
  if (wanted === undefined) {
    const last = all.at(-1)
    if (last !== undefined) return last
    throw cliError('ROOM_ITEM', 'nobody has asked for a training yet', { hint: 'sotto train run' })
  }
  const run = findRun(state, wanted)
  const found = all.find((one) => one.run.run === run.run)
  if (found !== undefined) return found
  throw cliError('ROOM_ITEM', `${short(run.run)} is no training`, {
    found: `a run of ${contractOfRun(state, run).contract.title}`,
    hint: 'sotto room status shows it',
  })
}
