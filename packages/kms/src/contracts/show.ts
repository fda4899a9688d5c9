import {
  contractPhase,
  type ContractView,
  encodeContract,
  remaining,
  type ShowCall,
  verifyPartyDocument,
} from '@sotto/protocol/contract'
import { fromUtf8 } from '@sotto/protocol/bytes'
import type { UnixSeconds } from '@sotto/protocol/keyrelease'
import { kmsError } from '../errors.ts'
import { type HeldContract, recordOf } from './types.ts'

/** An inquiry is answered for so long, by either clock. */
const INQUIRY_SECONDS = 300

/** Shows a contract to one of its parties. @throws `CONTRACT_*` codes, `KMS_STATEMENT_TIME` */
export function answerInquiry({ inquiry }: ShowCall, held: HeldContract, now: UnixSeconds): ContractView {
  const { document } = verifyPartyDocument('inquiry', inquiry, held)
  if (Math.abs(now - document.at) > INQUIRY_SECONDS)
    throw kmsError('KMS_STATEMENT_TIME', 'the inquiry was not made just now; compare the clocks', {
      expected: `within ${INQUIRY_SECONDS} s of ${now}`,
      found: `${document.at}`,
    })
  return viewOf(held, now)
}

/** How a contract stands. */
export function viewOf(held: HeldContract, now: UnixSeconds): ContractView {
  const { contract, accepted, closed, withdrawn, data, ledger, runs } = held
  return {
    phase: contractPhase(recordOf(held), now),
    contract: fromUtf8(encodeContract(contract)),
    accepted: accepted.map(({ party }) => party),
    closed: [...closed],
    withdrawn: [...withdrawn],
    data: Object.entries(data).map(([input, { envelope }]) => ({ input, envelope })),
    left: remaining(contract, ledger),
    runs,
  }
}
