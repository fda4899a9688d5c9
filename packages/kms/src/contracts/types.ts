import type { ConsentKind, Contract, ContractRecord, Name, Spent } from '@sotto/protocol/contract'
import type { ArtifactId, Digest, Ed25519Key, UnixSeconds } from '@sotto/protocol/keyrelease'

/** What an owner said last that an input is. */
export interface HeldData {
  artifact: ArtifactId
  content: Digest
  version: number
  /** Envelope of the statement. */
  envelope: string
}

/** A run that keys were released for, until its offer expires: nobody gets them for the same offer at another price. */
export interface OpenRun {
  run: Digest
  transform: Name
  /** Signs what the room makes of it. */
  receiptKey: Ed25519Key
  /** Envelope of the receipt. */
  receipt: string
  notAfter: UnixSeconds
  /** Envelope of the one result that may leave, with the permit; missing until then. */
  released?: { result: string; permit: string }
}

/** A contract with all that its parties signed, and what it has cost so far. */
export interface HeldContract {
  digest: Digest
  /** One object for as long as this process lives: it never changes. */
  contract: Contract
  /** Envelopes of acceptances. */
  accepted: readonly { party: Name; envelope: string }[]
  closed: readonly Name[]
  withdrawn: readonly { party: Name; consent: ConsentKind }[]
  data: Readonly<Record<Name, HeldData>>
  ledger: readonly Spent[]
  /** Runs so far. */
  runs: number
  /** Oldest first. */
  open: readonly OpenRun[]
  /** When its parties ended it; missing while they have not. */
  endedAt?: UnixSeconds
}

/** The same as rules of contracts read it. */
export function recordOf({ contract, accepted, closed, withdrawn, runs }: HeldContract): ContractRecord {
  return { contract, accepted: accepted.map(({ party }) => party), closed, withdrawn, runs }
}
