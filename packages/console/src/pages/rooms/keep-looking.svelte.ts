import { untrack } from 'svelte'
import type { Connection } from '../../connection/index.ts'
import type { OpenRoom } from './open-room.svelte.ts'

/** Others write to the board without telling anybody. */
const LOOK_MS = 4000

/** Looks at a room again and again, as long as the component that calls this is shown. */
export function keepLooking(room: OpenRoom, connection: Connection): void {
  const look = (): void => {
    if (connection.phase === 'verified') void room.look()
  }
  $effect(() => {
    if (connection.phase === 'verified') untrack(look)
    const timer = setInterval(() => {
      // What failed is not tried for ever: somebody looks again.
      if (document.visibilityState === 'visible' && (room.trouble === undefined || room.trouble.canRetry))
        look()
    }, LOOK_MS)
    return () => clearInterval(timer)
  })
}
