import { type NamedContract, verifyPartyDocument } from '@sotto/protocol/contract'
import type { UnixSeconds } from '@sotto/protocol/keyrelease'
import { roomRoleError } from '../errors.ts'

/** An inquiry counts for so long, by either clock. */
const INQUIRY_SECONDS = 300

/** That a party of the contract asks, now. @returns its name. @throws `ROOM_INQUIRY` */
export function requireParty(inquiry: string, named: NamedContract, now: UnixSeconds): string {
  let at: UnixSeconds
  let name: string
  try {
    const { document, party } = verifyPartyDocument('inquiry', inquiry, named)
    at = document.at
    name = party.name
  } catch (cause) {
    throw roomRoleError('ROOM_INQUIRY', 'no party of the contract asks', { cause })
  }
  if (Math.abs(now - at) <= INQUIRY_SECONDS) return name
  throw roomRoleError('ROOM_INQUIRY', 'the party did not ask just now; compare the clocks', {
    expected: `within ${INQUIRY_SECONDS} s of ${now}`,
    found: `${at}`,
  })
}
