import type { RoomRun } from '@sotto/client/rooms'
import { type Name, type NamedContract, planRun } from '@sotto/protocol/contract'

/** Owners whose consent a run still needs. */
export function missingConsents(named: NamedContract, { offered, consents }: RoomRun): Name[] {
  return planRun(named.contract, offered.offer.transform).owners.filter((owner) => !consents.has(owner))
}

/** Owners who have not let every output out. One who refused is not among them: nothing is to be waited for. */
export function missingApprovals(named: NamedContract, { offered, approvals }: RoomRun): Name[] {
  const plan = planRun(named.contract, offered.offer.transform)
  const { reviewers } = plan
  const outputs = plan.outputs.map(({ name }) => name)
  const said = approvals.map(({ approval }) => approval).filter(({ party }) => reviewers.includes(party))
  if (said.some(({ verdict }) => verdict === 'refuse')) return []
  return reviewers.filter((party) =>
    outputs.some((output) => !said.some((one) => one.party === party && one.output === output)),
  )
}
