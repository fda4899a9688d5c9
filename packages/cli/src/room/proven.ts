import type { RoomRun } from '@sotto/client/rooms'
import type { NamedContract } from '@sotto/protocol/contract'
import { SottoError } from '@sotto/protocol/errors'
import type { RunView } from '@sotto/protocol/room'
import type { RoomSession } from './session.ts'

/** Whether some member tells that a run is done. Any member can post any view: it proves nothing. */
export function isToldDone({ views }: RoomRun): boolean {
  return views.some(({ view }) => view.state === 'done')
}

/**
 * What members told of a run that is done, verified; undefined where none of it verifies.
 * @throws `ROOM_UNAVAILABLE` and others that say nothing about a view
 */
export async function findProven(
  { room }: Pick<RoomSession, 'room'>,
  named: NamedContract,
  run: RoomRun,
): Promise<RunView | undefined> {
  const views = run.views.filter(({ view }) => view.state === 'done')
  if (views.length === 0) return undefined
  try {
    return (await room.proof(named, { ...run, views })).view
  } catch (error) {
    if (!(error instanceof SottoError) || error.action === 'retry') throw error
    return undefined
  }
}

/**
 * Verifies what the room says of a run that is done: an answer alone proves nothing to anybody later.
 * @throws `ROOM_OFFER`; codes of contracts and rooms
 */
export async function requireProven(
  { room }: Pick<RoomSession, 'room'>,
  named: NamedContract,
  run: RoomRun,
  view: RunView,
): Promise<void> {
  await room.proof(named, { ...run, views: [{ index: run.index, at: run.at, view }] })
}
