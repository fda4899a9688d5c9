/**
 * What parties and rooms ask of a KMS about contracts, and what it answers: inside a sealed call (`sealed-call/`), for a
 * contract is nobody's business but its parties'.
 */
import {
  hex,
  integer,
  list,
  literal,
  members,
  object,
  oneOf,
  text,
  type Decoder,
  variants,
} from '../jcs/index.ts'
import { releaseRequestDecoder } from '../keyrelease/index.ts'
import type { Digest, ReleaseRequest, UnixSeconds } from '../keyrelease/types.ts'
import { MAX_CONTRACT_BYTES, MAX_PARTIES } from './decode.ts'
import type { Left } from './ledger.ts'
import { name } from './names.ts'
import { type Charge, runOfferDecoder, type RunOffer } from './runs.ts'
import type { ContractPhase } from './state.ts'
import { CONSENTS, type ConsentKind, type Name } from './types.ts'

/**
 * As much as a sealed call has: evidence with the consents of sixteen owners, or a contract with its acceptance, each
 * envelope as escaped text.
 */
export const MAX_CALL_BYTES = 6_291_456
/** As much as its answer has: a contract with the statements about its inputs. */
export const MAX_CALL_ANSWER_BYTES = 8_388_608

/** Kinds of documents that change how a contract stands. */
export const SIGNED_KINDS = ['withdrawal', 'closing', 'data'] as const
export type SignedKind = (typeof SIGNED_KINDS)[number]

/** Takes a contract, and that a party accepts it. The same again changes nothing. */
export interface AcceptCall {
  call: 'accept'
  /** Its canonical bytes as text. */
  contract: string
  /** Envelope of an `Acceptance`. */
  acceptance: string
}

/** Takes what a party signed about a contract. */
export interface SignCall {
  call: 'sign'
  contract: Digest
  kind: SignedKind
  envelope: string
}

/** Shows a party where its contract stands. */
export interface ShowCall {
  call: 'show'
  contract: Digest
  /** Envelope of an `Inquiry` of a few minutes ago at most. */
  inquiry: string
}

/** Asks for the content keys of one run: every owner's consent, and evidence of the room that has the keys of the offer. */
export interface RunCall {
  call: 'run'
  offer: RunOffer
  /** Envelopes of `RunConsent`. */
  consents: string[]
  request: ReleaseRequest
}

/** Asks whether outputs of a run may be released, now that they are made. */
export interface ReleaseCall {
  call: 'release'
  contract: Digest
  run: Digest
  /** Envelope of a `RunResult`, signed with the receipt key of the offer. */
  result: string
  /** Envelopes of `OutputApproval`, of owners who review. */
  approvals: string[]
}

export type ContractCall = AcceptCall | SignCall | ShowCall | RunCall | ReleaseCall

/** Where a contract stands, as its KMS knows it. */
export interface ContractView {
  phase: ContractPhase
  /** Canonical text. */
  contract: string
  accepted: Name[]
  closed: Name[]
  withdrawn: { party: Name; consent: ConsentKind }[]
  /** Envelopes of the `DataStatement` in force, of each input that has one. */
  data: { input: Name; envelope: string }[]
  /** What is left of each budget. */
  left: Left[]
  /** Runs that keys were released for. */
  runs: number
}

/** DSSE payload types of what a KMS signs about runs, with its statement key. */
export const RUN_TYPES = {
  receipt: 'application/vnd.sotto.run-receipt+json',
  permit: 'application/vnd.sotto.run-permit+json',
  /** Signed by the room, with the receipt key of the offer. */
  result: 'application/vnd.sotto.run-result+json',
  /** What the log holds of either of the first two, and of how a contract stands. */
  event: 'application/vnd.sotto.contract-event+json',
} as const

/** "The keys of this run went to this room, and its budgets are charged." */
export interface RunReceipt {
  format: 'sotto-run-receipt/1'
  genesis: Digest
  contract: Digest
  run: Digest
  /** Tuple of the key-release policy that admits the room, and the image that the contract pins. */
  tuple: string
  image: Digest
  evidence: Digest
  hardware: string[]
  charges: Charge[]
  /** Ledger of the contract after this charge: the n-th run. */
  sequence: number
  issuedAt: UnixSeconds
}

/** An output as the room made it. */
export interface MadeOutput {
  output: Name
  /** SHA-256 of the output with a salt that its receivers get with it. */
  digest: Digest
  bytes: number
}

/** What a room made of a run. */
export interface RunResult {
  format: 'sotto-run-result/1'
  genesis: Digest
  contract: Digest
  run: Digest
  outputs: MadeOutput[]
  at: UnixSeconds
}

/** "These outputs may be sealed to their receivers." */
export interface RunPermit {
  format: 'sotto-run-permit/1'
  genesis: Digest
  contract: Digest
  run: Digest
  outputs: MadeOutput[]
  issuedAt: UnixSeconds
}

/** Answer to a {@link RunCall}. */
export interface RunAnswer {
  /** HPKE (X-Wing) to the wrapping key of the offer: see `runInfo`. */
  enc: string
  wrapped: string
  /** Envelope of a {@link RunReceipt}. */
  receipt: string
}

/** What is inside {@link RunAnswer.wrapped}. */
export interface RunKeys {
  artifacts: { id: string; /** 32 bytes, base64url */ contentKey: string }[]
  /** Of a training: what all of its chance follows from, 32 bytes in base64url. No party ever has it. */
  training?: string
}

/** Events of a contract that the log tells of. */
export const CONTRACT_EVENTS = ['accepted', 'withdrawn', 'closed', 'data', 'run', 'released'] as const

/**
 * What the log holds of a contract: an event of it took place, in this order. Only who has the statement, and the
 * contract with its salt, can tell what it was.
 */
export interface ContractEvent {
  format: 'sotto-contract-event/1'
  genesis: Digest
  contract: Digest
  event: (typeof CONTRACT_EVENTS)[number]
  /** SHA-256 of the envelope that says what happened; of the contract where every party has accepted it. */
  statement: Digest
}

const MAX_ENVELOPE = 65_535
const MAX_CONSENTS = 16
const MAX_OUTPUTS = 64
const MAX_INPUTS = 64
const MAX_TRANSFORMS = 32
const envelope = text(MAX_ENVELOPE)
const madeOutput: Decoder<MadeOutput> = object<MadeOutput>({
  output: name,
  digest: hex(32),
  bytes: integer(0, 2 ** 32),
})

const CALLS: { readonly [Call in ContractCall as Call['call']]: Decoder<Call> } = {
  accept: object<AcceptCall>({
    call: literal('accept'),
    contract: text(MAX_CONTRACT_BYTES),
    acceptance: envelope,
  }),
  sign: object<SignCall>({
    call: literal('sign'),
    contract: hex(32),
    kind: oneOf(...SIGNED_KINDS),
    envelope,
  }),
  show: object<ShowCall>({ call: literal('show'), contract: hex(32), inquiry: envelope }),
  run: object<RunCall>({
    call: literal('run'),
    offer: runOfferDecoder,
    consents: list(envelope, 1, MAX_CONSENTS),
    request: releaseRequestDecoder,
  }),
  release: object<ReleaseCall>({
    call: literal('release'),
    contract: hex(32),
    run: hex(32),
    result: envelope,
    approvals: list(envelope, 0, MAX_OUTPUTS * MAX_CONSENTS),
  }),
}

/** Decodes a {@link ContractCall}. @throws `JCS_FIELD` */
export const contractCallDecoder: Decoder<ContractCall> = variants<ContractCall>('call', CALLS)

const left: Decoder<Left> = members<Left>(
  { input: name, transform: name, runs: integer() },
  { epsilonMicros: integer(), deltaTrillionths: integer() },
)

/** Decodes a {@link ContractView}. @throws `JCS_FIELD` */
export const contractViewDecoder: Decoder<ContractView> = object<ContractView>({
  phase: oneOf('proposed', 'accepted', 'running', 'closed'),
  contract: text(MAX_CONTRACT_BYTES),
  accepted: list(name, 0, MAX_PARTIES),
  closed: list(name, 0, MAX_PARTIES),
  withdrawn: list(object({ party: name, consent: oneOf(...CONSENTS) }), 0, MAX_PARTIES * CONSENTS.length),
  data: list(object({ input: name, envelope }), 0, MAX_INPUTS),
  left: list(left, 0, MAX_INPUTS * MAX_TRANSFORMS),
  runs: integer(),
})

/** Decodes a {@link ContractEvent}. @throws `JCS_FIELD` */
export const contractEventDecoder: Decoder<ContractEvent> = object<ContractEvent>({
  format: literal('sotto-contract-event/1'),
  genesis: hex(32),
  contract: hex(32),
  event: oneOf(...CONTRACT_EVENTS),
  statement: hex(32),
})

/** Decodes a {@link RunResult}. @throws `JCS_FIELD` */
export const runResultDecoder: Decoder<RunResult> = object<RunResult>({
  format: literal('sotto-run-result/1'),
  genesis: hex(32),
  contract: hex(32),
  run: hex(32),
  outputs: list(madeOutput, 1, MAX_OUTPUTS),
  at: integer(1),
})
