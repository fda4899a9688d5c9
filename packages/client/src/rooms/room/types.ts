import type {
  Argument,
  Contract,
  ContractView,
  DataStatement,
  Name,
  NamedContract,
} from '@sotto/protocol/contract'
import type { Digest } from '@sotto/protocol/keyrelease'
import type { RunCheckpoint, RunView } from '@sotto/protocol/room'
import type { ChargedRun } from '@sotto/protocol/training'
import type { RoomRun, RoomState, RoomSecret, TransferOptions } from '../board/index.ts'
import type { DataFiles, DataOptions, OpenedOutput } from '../data/index.ts'
import type { RoomParty } from '../party.ts'
import type { JudgedOffer } from '../runs/judge.ts'
import type { RunProof } from './proof.ts'

/** Who opens a room: one of those who share its secret. */
export interface RoomMember {
  secret: RoomSecret
  party: RoomParty
  /** As the others see this member. */
  name: Name
  /** Milliseconds between two looks at a run. @default 500 */
  pollMs?: number
}

/** What an owner adds. */
export interface AddedData {
  input: Name
  files: DataFiles
  /** What the contract does not say of it. */
  options?: Pick<DataOptions, 'media' | 'model'>
  /** Told of bytes that were read to learn the digests, twice the content in all. */
  onPrepared?: (bytes: number) => void
  transfer?: TransferOptions
  signal?: AbortSignal
}

/** What a member asks for. */
export interface AskedRun {
  transform: Name
  template?: Name
  arguments?: Argument[]
  /** Of a training: the run that it goes on with, and from which state. Without a state, from the beginning. */
  resumes?: Digest
  checkpoint?: RunCheckpoint
  /** For the others, one line. */
  note?: string
}

/**
 * A room as one of its members has it. Everything that comes from the board is another's word until what is signed in it
 * was verified; what is verified here, and against what, each method says.
 */
export interface Room {
  /** Makes the room: opens its board, for which the operator has to admit this party. @throws `ROOM_REFUSED`, `ROOM_UNAVAILABLE` */
  create(): Promise<void>
  /** Says that this party takes part. @throws `ROOM_REFUSED`, `ROOM_UNAVAILABLE` */
  join(): Promise<void>
  /**
   * The room as its board tells it. Of the board only what is new is read: see `Board.entries`.
   * @throws `ROOM_BOARD`, `ROOM_REFUSED`, `ROOM_UNAVAILABLE`
   */
  state(): Promise<RoomState>
  /** Shows a contract to the others: nobody is bound by that. @throws `CONTRACT_MALFORMED` */
  propose(contract: Contract): Promise<NamedContract>
  /** Signs a contract, for good. @throws `ROOM_CONTRACT`, `ROOM_REFUSED`, `ROOM_UNAVAILABLE` */
  accept(contract: NamedContract): Promise<ContractView>
  /** Where a contract stands, as the KMS says. @throws as {@link Room.accept} */
  view(contract: NamedContract): Promise<ContractView>
  /**
   * Seals data here, brings it to the board and its key to the KMS, for runs of this contract alone, and says so. The same
   * again goes on where it stopped.
   * @throws `ROOM_DATA_SOURCE`, `MODEL_SOURCE`, `ROOM_CONTRACT`, `ROOM_REFUSED`, `ROOM_UNAVAILABLE`
   */
  add(contract: NamedContract, data: AddedData): Promise<DataStatement>
  /**
   * Asks the room for a run, judges its evidence and what it offers, consents where this party owns an input, and shows
   * all of it to the others. @throws `ROOM_OFFER` and as {@link Room.accept}
   */
  ask(contract: NamedContract, asked: AskedRun): Promise<RoomRun>
  /** Judges what a room offered, as {@link Room.consent} does, and signs nothing. @throws `ROOM_OFFER`, codes of contracts */
  judge(contract: NamedContract, run: RoomRun): Promise<JudgedOffer>
  /** Judges the room's evidence and the run, and consents. @throws as {@link Room.judge} */
  consent(contract: NamedContract, run: RoomRun): Promise<void>
  /** Says that this party does not consent. @param reason one line */
  decline(run: RoomRun, reason?: string): Promise<void>
  /** Begins a run with the consents on the board, and looks until it rests; the others are shown how it ended. @throws as {@link Room.ask} */
  begin(contract: NamedContract, run: RoomRun, follow?: FollowOptions): Promise<RunView>
  /** Looks until a run rests. @throws as {@link Room.ask} */
  follow(contract: NamedContract, run: Digest, follow?: FollowOptions): Promise<RunView>
  /**
   * Shows the others how a run stands, as the room said it to this member: whoever began it may be gone. It begins nothing,
   * so it can be said after the time of the offer, too. @throws `ROOM_REFUSED`, `ROOM_UNAVAILABLE`
   */
  tell(view: RunView): Promise<void>
  /** Ends a run. @throws as {@link Room.ask} */
  cancel(contract: NamedContract, run: Digest): Promise<RunView>
  /** Outputs that wait for this owner's approval, opened. @throws `ROOM_OUTPUT`, codes of contracts */
  review(contract: NamedContract, run: RoomRun): Promise<OpenedOutput[]>
  /** Says that outputs which this owner looked at may leave, or may not. @throws as {@link Room.ask} */
  decide(
    contract: NamedContract,
    run: RoomRun,
    outputs: readonly OpenedOutput[],
    verdict: 'release' | 'refuse',
  ): Promise<void>
  /** Brings the approvals on the board to the room, and looks until the run rests. @throws as {@link Room.ask} */
  release(contract: NamedContract, run: RoomRun, follow?: FollowOptions): Promise<RunView>
  /**
   * Outputs of a run for this party, opened; every statement about the run is verified before.
   * @throws `ROOM_OFFER`, `ROOM_OUTPUT`, codes of contracts and rooms
   */
  outputs(contract: NamedContract, run: RoomRun): Promise<OpenedOutput[]>
  /**
   * {@link Room.outputs} and {@link Room.proof} of one verification, for who wants both; of a run that goes on with another
   * also what the KMS signed that one was charged, where a member tells it. @throws as {@link Room.outputs}
   */
  results(
    contract: NamedContract,
    run: RoomRun,
  ): Promise<{ outputs: OpenedOutput[]; proof: RunProof; charged?: ChargedRun }>
  /** All that proves a run later, offline. @throws as {@link Room.outputs} */
  proof(contract: NamedContract, run: RoomRun): Promise<RunProof>
  /** Ends a contract for this party. @throws as {@link Room.accept} */
  close(contract: NamedContract): Promise<ContractView>
}

/** How a run is followed. */
export interface FollowOptions {
  onView?: (view: RunView) => void
  signal?: AbortSignal
}
