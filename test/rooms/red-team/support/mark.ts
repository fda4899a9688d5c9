import { type ContractEvent, RUN_TYPES } from '@sotto/protocol/contract'
import type { RoomLab } from '../../support/room-lab.ts'

/** How much a room and its KMS have done by some moment. */
export interface Mark {
  charges: number
  runEvents: number
  releasedEvents: number
  written: number
  roomRefusals: number
  kmsRefusals: number
  logEntries: number
}

export function markOf({ world, refused }: RoomLab, written: readonly Uint8Array[]): Mark {
  const held = [...world.kms.view.state.contracts.values()]
  const events = world.logged<ContractEvent>(RUN_TYPES.event).map(({ document }) => document.event)
  return {
    charges: held.reduce((sum, { runs }) => sum + runs, 0),
    runEvents: events.filter((event) => event === 'run').length,
    releasedEvents: events.filter((event) => event === 'released').length,
    written: written.length,
    roomRefusals: refused.length,
    kmsRefusals: world.refused.length,
    logEntries: world.log.entries.length,
  }
}
