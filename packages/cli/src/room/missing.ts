import type { RoomRun } from '@sotto/client/rooms'
import { type Name, type NamedContract, planRun } from '@sotto/protocol/contract'

/** Owners of what a run reads, each once. */
export function ownersOf({ contract }: NamedContract, transform: Name): Name[] {
  return [...new Set(planRun(contract, transform).inputs.map(({ owner }) => owner))]
}

/** Owners who look at what a run gives before it leaves. */
export function reviewersOf({ contract }: NamedContract, transform: Name): Name[] {
  const { inputs } = planRun(contract, transform)
  return [...new Set(inputs.filter(({ rules }) => rules.review).map(({ owner }) => owner))]
}

/** Owners whose consent a run still needs. */
export function missingConsents(named: NamedContract, { offered, consents }: RoomRun): Name[] {
  return ownersOf(named, offered.offer.transform).filter((owner) => !consents.has(owner))
}

/** Owners who have not let every output out. One who refused is not among them: nothing is to be waited for. */
export function missingApprovals(named: NamedContract, { offered, approvals }: RoomRun): Name[] {
  const { transform } = offered.offer
  const outputs = planRun(named.contract, transform).outputs.map(({ name }) => name)
  const reviewers = reviewersOf(named, transform)
  const said = approvals.map(({ approval }) => approval).filter(({ party }) => reviewers.includes(party))
  if (said.some(({ verdict }) => verdict === 'refuse')) return []
  return reviewers.filter((party) =>
    outputs.some((output) => !said.some((one) => one.party === party && one.output === output)),
  )
}
