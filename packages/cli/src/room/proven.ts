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
 * What members told of a run that is done, the first that verifies; undefined where none of it does: what somebody made up
 * hides nothing.
 * @throws `ROOM_UNAVAILABLE` and others that say nothing about a view
 */
export async function findProven(
  session: Pick<RoomSession, 'sotto'>,
  named: NamedContract,
  run: RoomRun,
): Promise<RunView | undefined> {
  for (const { view } of run.views) {
    if (view.state !== 'done') continue
    try {
      await requireProven(session, named, run, view)
      return view
    } catch (error) {
      if (!(error instanceof SottoError) || error.action === 'retry') throw error
    }
  }
  return undefined
}

/**
 * Verifies what is said of a run that is done: an answer of the room alone proves nothing to anybody later.
 * @throws `ROOM_OFFER`; codes of contracts and rooms
 */
export async function requireProven(
  { sotto }: Pick<RoomSession, 'sotto'>,
  named: NamedContract,
  { offered }: RoomRun,
  view: RunView,
): Promise<void> {
  await sotto.rooms.runs.verify(named, offered, view)
}
