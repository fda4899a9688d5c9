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
  /** The training that it began or goes on with. */
  training?: Digest
  /** Envelope of the one result that may leave, with the permit; missing until then. */
  released?: { result: string; permit: string }
}

/** A training that was charged and of which nothing has left yet: another room may go on with it, and come to the same. */
export interface HeldTraining {
  run: Digest
  transform: Name
  /** SHA-256 of the canonical inputs of its offer. */
  inputs: Digest
  /** What all of its chance follows from: 32 bytes, base64url. */
  secret: string
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
  /** Oldest first; of stores before there were trainings, missing. */
  trainings?: readonly HeldTraining[]
  /** When its parties ended it; missing while they have not. */
  endedAt?: UnixSeconds
}

/** The same as rules of contracts read it. */
export function recordOf({ contract, accepted, closed, withdrawn, runs }: HeldContract): ContractRecord {
  return { contract, accepted: accepted.map(({ party }) => party), closed, withdrawn, runs }
}
