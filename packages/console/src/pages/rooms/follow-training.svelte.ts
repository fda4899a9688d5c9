import type { RoomRun } from '@sotto/client/rooms'
import { isTraining, type NamedContract } from '@sotto/protocol/contract'
import { untrack } from 'svelte'
import type { Connection } from '../../connection/index.ts'
import type { OpenRoom } from './open-room.svelte.ts'
import type { RunStage } from './run-stage.ts'

/** A run as a component shows it. */
export interface ShownRun {
  room: OpenRoom
  connection: Connection
  named: NamedContract
  run: RoomRun
  stage: RunStage
}

/**
 * Asks the room of a training how it stands, whenever the board was looked at: it takes hours, and who did not begin it wants
 * to see it as well. Of other runs, members tell how they ended.
 */
export function followTraining(shown: () => ShownRun): void {
  $effect(() => {
    const { room, connection, named, run, stage } = shown()
    const { transform } = run.offered.offer
    const isTrained = named.contract.transforms.some(
      ({ name, task }) => name === transform && isTraining(task),
    )
    const isUnderWay = stage === 'ready' || stage === 'running'
    // Only parties of the contract are told.
    if (!isTrained || !isUnderWay || connection.phase !== 'verified' || room.lookedAt === undefined) return
    if (room.ownNameIn(named) !== undefined) untrack(() => void room.runOf(run.run).follow(named))
  })
}
