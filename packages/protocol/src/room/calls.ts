/**
 * What parties ask of a room, and what it answers: inside a sealed call (`sealed-call/`) to the key that the room's
 * evidence binds, for what a run asks is nobody's business but the parties'. Each call brings an inquiry of a party of a
 * few minutes ago, so that a stranger starts and sees nothing; the same call again is harmless.
 */
import type { Argument, Name, RunOffer } from '../contract/index.ts'
import { MAX_CONTRACT_BYTES } from '../contract/index.ts'
import { columnName, name } from '../contract/names.ts'
import { runOfferDecoder } from '../contract/runs.ts'
import {
  base64url,
  type Decoder,
  hex,
  integer,
  list,
  literal,
  members,
  object,
  oneOf,
  refine,
  text,
  variants,
} from '../jcs/index.ts'
import type { Digest } from '../keyrelease/types.ts'
import { type RoomEvidence, roomEvidenceDecoder } from './evidence.ts'

/** A contract with the statements about its inputs, or the consents and approvals of sixteen owners. */
export const MAX_ROOM_CALL_BYTES = 6_291_456
/** An offer with its evidence, or the envelopes of a run that is over. */
export const MAX_ROOM_ANSWER_BYTES = 8_388_608

/** Where the sealed files of a room are: a board, and what opens it to who knows it. */
export interface BoardAccess {
  /** 32 bytes, hexadecimal. */
  board: string
  /** 32 bytes, base64url. */
  token: string
}

/** Asks for a run to be prepared. */
export interface OfferCall {
  call: 'offer'
  /** 16 random bytes, hexadecimal: the same call again is the same offer, another one is another. */
  nonce: string
  /** Canonical text. */
  contract: string
  /** Envelope of an `Inquiry`. */
  inquiry: string
  transform: Name
  template?: Name
  arguments: Argument[]
  /** Envelopes of the `DataStatement` in force of each input that the run reads, in the order of the contract. */
  data: string[]
  files: BoardAccess
  /** Of a training: the run that it goes on with, and from which state. Without a state, from the beginning. */
  resumes?: Digest
  checkpoint?: RunCheckpoint
}

/** State of a training, sealed: a file of the board that only a room with the secret of that training reads. */
export interface RunCheckpoint {
  /** Steps that were done. */
  step: number
  /** Digest of the state, keyed: only a room with the secret of that training can compute it. */
  state: Digest
  /** SHA-256 of the file, and its bytes. */
  sealed: Digest
  bytes: number
}

/** Begins a run that owners consented to. */
export interface BeginCall {
  call: 'begin'
  run: Digest
  inquiry: string
  /** Envelopes of `RunConsent`. */
  consents: string[]
}

/** Asks where a run stands. */
export interface LookCall {
  call: 'look'
  run: Digest
  inquiry: string
}

/** Brings the approvals that a result waits for. */
export interface ApproveCall {
  call: 'approve'
  run: Digest
  inquiry: string
  /** Envelopes of `OutputApproval`. */
  approvals: string[]
}

/** Ends a run, whatever it does. What it was charged stays charged. */
export interface CancelCall {
  call: 'cancel'
  run: Digest
  inquiry: string
}

export type RoomCall = OfferCall | BeginCall | LookCall | ApproveCall | CancelCall

/** A run as a room offers it, with the evidence of the keys that it names. */
export interface OfferedRun {
  offer: RunOffer
  shown: RoomEvidence
}

/**
 * - `offered`: owners have not consented yet
 * - `running`: it reads, computes or seals
 * - `waiting`: the result is made, and an owner looks at it
 * - `done`: outputs are sealed to their receivers
 * - `failed`, `cancelled`: nothing left the room
 */
export const RUN_STATES = ['offered', 'running', 'waiting', 'done', 'failed', 'cancelled'] as const
export type RunState = (typeof RUN_STATES)[number]

/** Why a run failed, in words that no data are in. */
export interface RunFailure {
  code: string
  message: string
  /** Name of the rule that was broken. */
  rule?: string
}

/** What a run is at: of how many things how many are done. */
export interface RunProgress {
  transform: Name
  done: number
  of: number
  /** Of a training whose contract lets parties see it: mean loss of the last step, in millionths. */
  lossMicros?: number
}

/** Where a run stands. */
export interface RunView {
  run: Digest
  state: RunState
  progress?: RunProgress
  /** Of a training: the last state of it that is on the board. */
  checkpoint?: RunCheckpoint
  failure?: RunFailure
  /** Envelope of the KMS's `RunReceipt`: it was charged. */
  receipt?: string
  /** Envelope of the room's `RunResult`. */
  result?: string
  /** Envelopes of outputs sealed to the owners who look at them. */
  review: string[]
  /** Envelope of the KMS's `RunPermit`. */
  permit?: string
  /** Envelopes of outputs sealed to their receivers. */
  outputs: string[]
  /** Envelope of the `RunProvenance`. */
  provenance?: string
  /**
   * Of a run that rests: trust bundles, base64url, of each boot of the KMS that the room verified for it, at most 4. Who
   * verifies them has the keys that signed receipt and permit, whatever boot answers by then.
   */
  bundles?: string[]
}

const MAX_ENVELOPE = 65_535
const MAX_PARTIES = 16
const MAX_INPUTS = 64
const MAX_OUTPUTS = 64
const MAX_BUNDLES = 4
const MAX_BUNDLE_BYTES = 1_048_576
const envelope = text(MAX_ENVELOPE)
const about = { run: hex(32), inquiry: envelope }

/** Decodes a {@link BoardAccess}. @throws `JCS_FIELD` */
export const boardAccessDecoder: Decoder<BoardAccess> = object<BoardAccess>({
  board: hex(32),
  token: base64url(32),
})

const checkpoint: Decoder<RunCheckpoint> = object<RunCheckpoint>({
  step: integer(0, 10_000_000),
  state: hex(32),
  sealed: hex(32),
  bytes: integer(1, 2 ** 36),
})

const CALLS: { readonly [Call in RoomCall as Call['call']]: Decoder<Call> } = {
  offer: refine(
    members<OfferCall>(
      {
        call: literal('offer'),
        nonce: hex(16),
        contract: text(MAX_CONTRACT_BYTES),
        inquiry: envelope,
        transform: name,
        arguments: list(object({ name: columnName, value: text(4096) }), 0, 32),
        data: list(envelope, 1, MAX_INPUTS),
        files: boardAccessDecoder,
      },
      { template: name, resumes: hex(32), checkpoint },
    ),
    ({ resumes, checkpoint: from }) =>
      from !== undefined && resumes === undefined ? 'a state is of a run that it goes on with' : undefined,
  ),
  begin: object<BeginCall>({
    call: literal('begin'),
    ...about,
    consents: list(envelope, 1, MAX_PARTIES),
  }),
  look: object<LookCall>({ call: literal('look'), ...about }),
  approve: object<ApproveCall>({
    call: literal('approve'),
    ...about,
    approvals: list(envelope, 1, MAX_OUTPUTS * MAX_PARTIES),
  }),
  cancel: object<CancelCall>({ call: literal('cancel'), ...about }),
}

/** Decodes a {@link RoomCall}. @throws `JCS_FIELD` */
export const roomCallDecoder: Decoder<RoomCall> = variants<RoomCall>('call', CALLS)

/** Decodes an {@link OfferedRun}. @throws `JCS_FIELD` */
export const offeredRunDecoder: Decoder<OfferedRun> = object<OfferedRun>({
  offer: runOfferDecoder,
  shown: roomEvidenceDecoder,
})

const count = integer(0)
/** One line without anything that moves a cursor. */
const line = text(512, /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$/u)

/** Decodes a {@link RunView}. @throws `JCS_FIELD` */
export const runViewDecoder: Decoder<RunView> = members<RunView>(
  {
    run: hex(32),
    state: oneOf(...RUN_STATES),
    review: list(envelope, 0, MAX_OUTPUTS),
    outputs: list(envelope, 0, MAX_OUTPUTS),
  },
  {
    progress: members<RunProgress>(
      { transform: name, done: count, of: count },
      { lossMicros: integer(Number.MIN_SAFE_INTEGER) },
    ),
    checkpoint,
    failure: members<RunFailure>(
      { code: text(64, /^[A-Z][A-Z0-9_]*$/), message: line },
      { rule: text(64, /^[a-z][a-z0-9-]*$/) },
    ),
    receipt: envelope,
    result: envelope,
    permit: envelope,
    provenance: envelope,
    bundles: list(base64url(1, MAX_BUNDLE_BYTES), 0, MAX_BUNDLES),
  },
)
