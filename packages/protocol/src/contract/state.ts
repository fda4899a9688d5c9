import type { UnixSeconds } from '../keyrelease/types.ts'
import { contractError } from './errors.ts'
import type { ConsentKind, Contract, Name } from './types.ts'

/**
 * - `proposed`: at least one party has signed, not all
 * - `accepted`: every party has signed
 * - `running`: a run has begun since
 * - `closed`: every party ended it, its time is over, or a party took back that it runs
 *
 * A contract that nobody has signed is a draft, and nobody but its writer knows it.
 */
export type ContractPhase = 'proposed' | 'accepted' | 'running' | 'closed'

/** What parties have signed about a contract, each document verified. */
export interface ContractRecord {
  contract: Contract
  /** Parties that accepted it. */
  accepted: readonly Name[]
  closed: readonly Name[]
  withdrawn: readonly { party: Name; consent: ConsentKind }[]
  /** Runs that keys were released for. */
  runs: number
}

/** Where a contract stands. */
export function contractPhase(record: ContractRecord, now: UnixSeconds): ContractPhase {
  const { contract, accepted, closed, runs } = record
  if (now >= contract.notAfter || isAll(contract, closed) || withdrawer(record, 'execution') !== undefined)
    return 'closed'
  if (!isAll(contract, accepted)) return 'proposed'
  return runs > 0 ? 'running' : 'accepted'
}

/**
 * Refuses every run that the contract as it stands does not allow.
 * @throws `CONTRACT_NOT_ACCEPTED`, `CONTRACT_CLOSED`, `CONTRACT_WITHDRAWN`, `CONTRACT_EXPIRED`
 */
export function requireInForce(record: ContractRecord, now: UnixSeconds): void {
  const { contract, accepted, closed } = record
  const party = withdrawer(record, 'execution')
  if (party !== undefined) throw contractError('CONTRACT_WITHDRAWN', `${party} took its consent to runs back`)
  if (isAll(contract, closed)) throw contractError('CONTRACT_CLOSED', 'its parties closed this contract')
  const missing = contract.parties.filter(({ name }) => !accepted.includes(name)).map(({ name }) => name)
  if (missing.length > 0)
    throw contractError('CONTRACT_NOT_ACCEPTED', 'not every party has accepted this contract', {
      expected: 'a signature of every party',
      found: `none of ${missing.join(', ')}`,
    })
  if (now >= contract.notBefore && now < contract.notAfter) return
  throw contractError('CONTRACT_EXPIRED', 'the contract is not valid now', {
    expected: `from ${contract.notBefore} until ${contract.notAfter}`,
    found: `${now}`,
  })
}

/** Whether events of the contract go into the log, or into metrics: only while every party wants it. */
export function isConsented(record: ContractRecord, consent: 'logging' | 'telemetry'): boolean {
  return record.contract.consent[consent] && withdrawer(record, consent) === undefined
}

function withdrawer({ withdrawn }: ContractRecord, consent: ConsentKind): Name | undefined {
  return withdrawn.find((one) => one.consent === consent)?.party
}

function isAll({ parties }: Contract, names: readonly Name[]): boolean {
  return parties.every(({ name }) => names.includes(name))
}
