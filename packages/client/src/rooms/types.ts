import type { Contracts } from './contracts.ts'
import type { Room, RoomMember } from './room/types.ts'
import type { RoomRuns } from './runs/runs.ts'

/** Clean rooms through a verified connection. */
export interface SottoRooms extends Contracts {
  /** Runs of contracts, one call each. */
  readonly runs: RoomRuns
  /** A room as one of its members has it: its board, contracts, data and runs together. Nothing is sent yet. */
  open(member: RoomMember): Promise<Room>
}
