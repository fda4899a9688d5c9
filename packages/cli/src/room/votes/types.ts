import type { RoomState } from '@sotto/client/rooms'
import type { CommandContext } from '../../framework/index.ts'
import type { RoomSession } from '../session.ts'

/** Somebody who votes, and what they said. */
export interface Voting {
  context: CommandContext
  session: RoomSession
  state: RoomState
  /** Undefined: only look. */
  choice: 'yes' | 'no' | undefined
  reason: string | undefined
  /** Folder for outputs, as it was given. */
  out: string | undefined
}
