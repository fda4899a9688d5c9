/**
 * What parties of a clean room agree on, and what each of them signs. A contract is canonical JSON, named by the SHA-256
 * of its bytes; with its salt inside, that digest tells nobody who has not seen the contract anything about it, so it is
 * what the log holds. Names are of this contract: each party, input, transform and output has one, unique among its kind.
 */
import type { ArtifactId, Digest, Ed25519Key, UnixSeconds } from '../keyrelease/types.ts'
import type { Rules } from './rules.ts'
import type { Task } from './tasks.ts'

/** DSSE payload types of what parties sign. */
export const CONTRACT_TYPES = {
  acceptance: 'application/vnd.sotto.contract-acceptance+json',
  withdrawal: 'application/vnd.sotto.contract-withdrawal+json',
  closing: 'application/vnd.sotto.contract-closing+json',
  data: 'application/vnd.sotto.contract-data+json',
  consent: 'application/vnd.sotto.room-run-consent+json',
  approval: 'application/vnd.sotto.room-output-approval+json',
  inquiry: 'application/vnd.sotto.contract-inquiry+json',
} as const

/** A name within a contract: see `CONTRACT_NAME`. */
export type Name = string

/** Somebody who takes part. */
export interface Party {
  name: Name
  /** Signs for this party. */
  key: Ed25519Key
  /** X-Wing public key, base64url, of no other party: outputs for this party are sealed to it. */
  sealTo: string
}

/** A column of a table. */
export interface Column {
  name: string
  type: ColumnType
}

/** Types of columns: those that every format of tables has. */
export const COLUMN_TYPES = ['boolean', 'integer', 'number', 'text', 'date', 'timestamp'] as const
export type ColumnType = (typeof COLUMN_TYPES)[number]

/** What an input is. */
export const INPUT_KINDS = ['table', 'text', 'audio', 'image', 'model', 'code'] as const
export type InputKind = (typeof INPUT_KINDS)[number]

/** "This transform may read it so often, at this price in privacy": the budget of one edge of the graph. */
export interface Use {
  transform: Name
  /** Runs, 1 to 1000000, over the whole life of the contract. */
  runs: number
  /**
   * Differential privacy: the sum of epsilon over all runs, in millionths, at least that of one run. Absent: nothing private
   * is spent, and so no query reads an input that asks for noise.
   */
  epsilonMicros?: number
  /** Of training: the sum of delta over all runs, in 10^-12, beside an epsilon and at least that of one run. */
  deltaTrillionths?: number
}

/**
 * What a training makes: `model`, of a fine-tuning the adapter as the engine takes it; `safetensors`: the adapter as others
 * take it.
 */
export const OUTPUT_PARTS = ['model', 'metrics', 'predictions', 'safetensors'] as const
export type OutputPart = (typeof OUTPUT_PARTS)[number]

/** Data, a model or code that one party brings. */
export interface Input {
  name: Name
  /** Name of the party. */
  owner: Name
  kind: InputKind
  /** Of tables, all of them, in order: 1 to 256. */
  columns?: Column[]
  /**
   * Digest of the manifest of exactly this content. Absent: what the owner adds is not agreed on beforehand; each run
   * names what it reads, and who consents to the run consents to that. Modules of WebAssembly are always agreed on.
   */
  content?: Digest
  /** Every transform that it may reach, directly or through others: 1 to 32. */
  uses: Use[]
  rules: Rules
}

/** A computation, in a room whose program is pinned. */
export interface Transform {
  name: Name
  /** Names of inputs, and of transforms before this one whose result it reads: 1 to 64. */
  reads: Name[]
  /**
   * Digests of the images that may run it, as release statements name them: 1 to 8. One of them may run all that it rests
   * on as well.
   */
  room: Digest[]
  task: Task
}

/** What leaves a room. */
export interface Output {
  name: Name
  /** Transform whose result it is. */
  from: Name
  /** Of a training: which part of what it makes. Absent: the model, or the whole result of another task. */
  part?: OutputPart
  /** Names of parties: each gets it sealed to its own key, and nobody else does. */
  receivers: Name[]
  /** Bytes at most, 1 to 2^32. */
  maxBytes: number
}

/** What parties let the platform do besides computing. */
export interface Consent {
  /** Events of the contract are in the log, without content. */
  logging: boolean
  /** Counts of runs are in metrics. */
  telemetry: boolean
}

/** The document that all parties sign. */
export interface Contract {
  format: 'sotto-contract/1'
  /** The KMS that holds the keys. */
  genesis: Digest
  /** For people, 1 to 64 characters. */
  title: string
  /** 32 random bytes, base64url. */
  salt: string
  /** 1 to 16. */
  parties: Party[]
  /** 1 to 64. */
  inputs: Input[]
  /** 1 to 32, each after those whose result it reads. */
  transforms: Transform[]
  /** 1 to 64. */
  outputs: Output[]
  consent: Consent
  notBefore: UnixSeconds
  /** From then on nothing runs; at most ten years after `notBefore`. */
  notAfter: UnixSeconds
}

/** "We are bound by this contract." */
export interface Acceptance {
  format: 'sotto-contract-acceptance/1'
  genesis: Digest
  contract: Digest
  party: Name
  at: UnixSeconds
}

/** What a party can take back at any time. It takes effect at the next release. */
export const CONSENTS = ['execution', 'logging', 'telemetry'] as const
export type ConsentKind = (typeof CONSENTS)[number]

/** "From now on without our consent to this." It is final: another contract is a new agreement. */
export interface Withdrawal {
  format: 'sotto-contract-withdrawal/1'
  genesis: Digest
  contract: Digest
  party: Name
  consent: ConsentKind
  at: UnixSeconds
}

/** "We are done": a contract that every party closed, or that has expired, is closed. */
export interface Closing {
  format: 'sotto-contract-closing/1'
  genesis: Digest
  contract: Digest
  party: Name
  at: UnixSeconds
}

/** "Show us where it stands." */
export interface Inquiry {
  format: 'sotto-contract-inquiry/1'
  genesis: Digest
  contract: Digest
  party: Name
  at: UnixSeconds
}

/** "These sealed bytes are our input": what a run reads. A later one takes the place of an earlier one. */
export interface DataStatement {
  format: 'sotto-contract-data/1'
  genesis: Digest
  contract: Digest
  input: Name
  /** Identifier in the sealed header: which content key opens it. */
  artifact: ArtifactId
  /** SHA-256 of the sealed file. */
  sealed: Digest
  /** Bytes of the sealed file. */
  bytes: number
  /** Digest of the manifest inside, with its salt. */
  content: Digest
  /** Higher than that of the statement before: 1 to 2^31. */
  version: number
  at: UnixSeconds
}
