import type {
  Argument,
  Charge,
  DerivedRules,
  InputKind,
  Name,
  NamedContract,
  Rules,
  Spent,
  Task,
} from '@sotto/protocol/contract'
import type { Digest, UnixSeconds } from '@sotto/protocol/keyrelease'
import type { ProvenanceInput, ProvenanceStep } from '@sotto/protocol/room'

/** `missing`: what would be needed to check it is not here. It is no failure, and no pass either. */
export type CheckStatus = 'pass' | 'fail' | 'missing'

/** One check, of one proof or of all runs together. */
export interface AuditCheck {
  /** Stable and dotted: `run.charges`. */
  name: string
  /** For people: what holds where it passes. */
  what: string
  status: CheckStatus
  /** Which of the proofs given it is about, from 0. Absent: all of them together. */
  proof?: number
  /** Digest of the run, where the proof of it holds. */
  run?: Digest
  /** Code of the refusal, of a proof that does not hold. */
  code?: string
  /** As others wrote it: at most 500 characters. */
  expected?: string
  found?: string
}

/** An output that left the room of a run. */
export interface AuditedOutput {
  output: Name
  digest: Digest
  bytes: number
  receivers: Name[]
}

/** A run whose proof holds: every figure is of a statement whose signature was verified. */
export interface AuditedRun {
  /** Which of the proofs given, from 0. */
  proof: number
  run: Digest
  /** The n-th of the contract. */
  sequence: number
  /** When the KMS released the keys. */
  at: UnixSeconds
  startedAt: UnixSeconds
  finishedAt: UnixSeconds
  transform: Name
  template?: Name
  arguments: Argument[]
  /** Of a training: the run that it goes on with, and that was charged. */
  resumes?: Digest
  image: Digest
  evidence: Digest
  tuple: string
  hardware: string[]
  /** Whether a software TEE is part of the chain. */
  software: boolean
  /** As the receipt says. */
  charges: Charge[]
  inputs: ProvenanceInput[]
  steps: ProvenanceStep[]
  outputs: AuditedOutput[]
}

/** What an audit found. */
export interface Audit {
  /** No check failed. What is missing does not count: see the checks. */
  ok: boolean
  /** That of the caller, else that of the first proof that holds; absent where no proof holds. */
  contract?: NamedContract
  checks: AuditCheck[]
  /** Runs of the contract, each once, by their sequence numbers. Nothing of a proof that does not hold is among them. */
  runs: AuditedRun[]
  /** Ranges of sequence numbers before the last one, of which no proof is here. */
  gaps: { from: number; to: number }[]
  graph?: AuditGraph
}

/** A party, and the number of its mark: see `PARTY_MARKS`. */
export interface GraphParty {
  name: Name
  mark: number
}

/** What a party brings. */
export interface GraphInput {
  name: Name
  owner: Name
  kind: InputKind
  rules: Rules
  /** Of all its edges together, in millionths. */
  epsilonMicros: number
  /** In 10^-12. Absent: none. */
  deltaTrillionths?: number
}

/** A budget of one input for one transform, and what the runs of the audit took of it. */
export interface GraphBudget {
  input: Name
  owner: Name
  /** Whether the transform reads the input itself, and not what another made of it. */
  isDirect: boolean
  runs: number
  spentRuns: number
  /** In millionths. Absent: nothing private may be spent. */
  epsilonMicros?: number
  spentEpsilonMicros: number
  /** In 10^-12. Absent: the budget has none. */
  deltaTrillionths?: number
  spentDeltaTrillionths?: number
}

/** A computation. */
export interface GraphTransform {
  name: Name
  kind: Task['kind']
  /** In words: `summarise with t5`. */
  does: string
  reads: Name[]
  images: Digest[]
  /** From 1: one more than that of everything it reads. Inputs are layer 0. */
  layer: number
  /** Of the audit, that asked for it. */
  runs: number
  budgets: GraphBudget[]
}

/** What leaves. */
export interface GraphOutput {
  name: Name
  from: Name
  receivers: Name[]
  maxBytes: number
  /** What holds for everything that it comes from. */
  rules: DerivedRules
  /** Owners who look at it before it leaves. */
  reviewers: Name[]
  /** Owners of everything that it comes from. */
  owners: Name[]
  /** Runs of the audit that let it out. */
  released: number
}

/** A contract as a layered graph, and what runs took of its budgets. */
export interface AuditGraph {
  contract: Digest
  title: string
  notBefore: UnixSeconds
  notAfter: UnixSeconds
  parties: GraphParty[]
  inputs: GraphInput[]
  transforms: GraphTransform[]
  outputs: GraphOutput[]
}

/** What a graph needs to know of runs. */
export interface GraphRuns {
  runs: readonly Pick<AuditedRun, 'transform' | 'outputs'>[]
  spent: readonly Spent[]
}
