import type { RoomRun, RoomState } from '@sotto/client/rooms'
import { isTraining, type NamedContract } from '@sotto/protocol/contract'

/** A run of a training, and the contract that it is of. */
export interface TrainingRun {
  run: RoomRun
  named: NamedContract
}

/** Runs of a room that train something themselves, the newest first. */
export function trainingsOf({ runs, proposals }: Pick<RoomState, 'runs' | 'proposals'>): TrainingRun[] {
  return [...runs.values()].toReversed().flatMap((run) => {
    const { contract: digest, transform } = run.offered.offer
    const named = proposals.get(digest)
    const task = named?.contract.transforms.find(({ name }) => name === transform)?.task
    return named === undefined || task === undefined || !isTraining(task) ? [] : [{ run, named }]
  })
}
