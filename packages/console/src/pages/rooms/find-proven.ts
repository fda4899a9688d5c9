import type { RoomRun } from '@sotto/client/rooms'
import { SottoError } from '@sotto/protocol/errors'
import type { RunView } from '@sotto/protocol/room'

/**
 * Judges what members tell of a run that is done, until something holds: any member can post anything, and what somebody
 * made up must neither hide nor block what is proven.
 * @param refuted indexes of what was found not to hold; it is not judged again, and what is found now is added
 * @returns undefined where there is nothing that was not refuted before
 * @throws why the last one does not hold; where a connection failed, at once: that says nothing of any of them
 */
export async function findProven<Judged>(
  { views }: Pick<RoomRun, 'views'>,
  refuted: Set<number>,
  verify: (view: RunView) => Promise<Judged>,
): Promise<Judged | undefined> {
  const told = views.filter(({ view, index }) => view.state === 'done' && !refuted.has(index))
  let failure: { error: unknown } | undefined
  for (const { view, index } of told)
    try {
      return await verify(view)
    } catch (error) {
      if (error instanceof SottoError) {
        if (error.action === 'retry') throw error
        refuted.add(index)
      }
      failure = { error }
    }
  if (failure !== undefined) throw failure.error
  return undefined
}
