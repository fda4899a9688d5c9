import { hasCode } from '@sotto/protocol/errors'
import { withoutOver } from '../contracts/index.ts'
import { destroyExpired } from '../epochs/index.ts'
import { type Assembly, closeEnded } from '../governance/index.ts'
import type { SpendingSession } from '../spent/index.ts'
import type { Changes } from './changes.ts'

/**
 * What time asks for: destroys expired keys, finishes what the log refused before, rotates,
 * renews evidence and certificate. It does nothing when nothing is due.
 */
export function tick(changes: Changes, assembly: Assembly, spending: SpendingSession): Promise<void> {
  return changes.run(async () => {
    const { clock } = changes.parts
    await changes.apply((state) => destroyExpired(state, clock.now()))
    const { gone } = withoutOver(changes.keeper.current, clock.now())
    await changes.apply((state) => withoutOver(state, clock.now()).state)
    for (const { contentKey } of gone) contentKey.fill(0)
    await changes.requireNewestBoot().catch((error: unknown) => {
      // What needs the log fails by itself, and what can be written down before goes on.
      if (!hasCode(error, 'LOG_UNREACHABLE')) throw error
    })
    await assembly.keepHolds()
    await changes.flush()
    await changes.apply((state) => closeEnded(state, clock.now()))
    await changes.renewBoot()
    await changes.advanceRoot()
    if (changes.isEpochDue) await changes.advance(false)
    await spending.tick()
    changes.show()
  })
}
