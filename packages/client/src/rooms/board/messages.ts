import { utf8 } from '@sotto/protocol/bytes'
import { MAX_CONTRACT_BYTES, type Name, parseContract, type Party } from '@sotto/protocol/contract'
import {
  type Decoder,
  hex,
  integer,
  jcsError,
  label,
  literal,
  members,
  object,
  refine,
  text,
} from '@sotto/protocol/jcs'
import type { Digest, UnixSeconds } from '@sotto/protocol/keyrelease'
import { type OfferedRun, offeredRunDecoder, type RunView, runViewDecoder } from '@sotto/protocol/room'
import type { RoomParty } from '../party.ts'
import { isSameParty, partyDecoder, partyName, signMembership, verifyMembership } from './membership.ts'

/**
 * Somebody takes part. It is signed by the key that it names, for this board alone: what is read as such was verified.
 */
export interface JoinedMessage {
  kind: 'joined'
  /** As the envelope says. */
  at: UnixSeconds
  party: Party
  /** Envelope of a `Membership`. */
  envelope: string
}

/** A contract to agree on. What is read as such makes sense; nobody has agreed to it. */
export interface ProposedMessage {
  kind: 'proposed'
  at: UnixSeconds
  /** Its canonical text. */
  contract: string
}

/** A run that a room offers, as somebody passes it on. The caller verifies offer and evidence, and then consents. */
export interface OfferedMessage {
  kind: 'offered'
  at: UnixSeconds
  offered: OfferedRun
  /** Who says to have asked for it: nobody signed that. */
  by: Name
  note?: string
}

/** A party's consent to a run. It says nothing until its envelope is verified against the contract. */
export interface ConsentedMessage {
  kind: 'consented'
  at: UnixSeconds
  run: Digest
  /** Envelope of a `RunConsent`. */
  envelope: string
}

/**
 * "We do not consent to this run." Information only, signed by nobody: any member can say it in the name of any other, and
 * nothing follows from it. Without a consent nothing runs anyway.
 */
export interface DeclinedMessage {
  kind: 'declined'
  at: UnixSeconds
  run: Digest
  party: Name
  reason?: string
}

/**
 * Where a run stands, as whoever began it saw it: receipts, results, sealed outputs and provenance. Each of these envelopes
 * says nothing until it is verified; state, progress and failure are that member's word.
 */
export interface ViewMessage {
  kind: 'view'
  at: UnixSeconds
  view: RunView
}

/** A party's word about an output that it looked at. It says nothing until its envelope is verified against the contract. */
export interface ApprovedMessage {
  kind: 'approved'
  at: UnixSeconds
  run: Digest
  /** Envelope of an `OutputApproval`. */
  envelope: string
}

/**
 * What members of a room say to each other. All of it is sealed with the room's key, so some member said it; which one, no
 * message proves but by the signatures inside it.
 */
export type RoomMessage =
  | JoinedMessage
  | ProposedMessage
  | OfferedMessage
  | ConsentedMessage
  | DeclinedMessage
  | ViewMessage
  | ApprovedMessage

/** A log entry holds no longer envelope. */
const MAX_ENVELOPE = 65_535
const MAX_NOTE = 256

const at = integer(1)
const envelope = text(MAX_ENVELOPE)
const run = hex(32)

const KINDS: { readonly [Message in RoomMessage as Message['kind']]: Decoder<Message> } = {
  joined: object<JoinedMessage>({ kind: literal('joined'), at, party: partyDecoder, envelope }),
  proposed: refine(
    object<ProposedMessage>({ kind: literal('proposed'), at, contract: text(MAX_CONTRACT_BYTES) }),
    ({ contract }) => {
      try {
        parseContract(utf8(contract))
        return undefined
      } catch (error) {
        return (error as Error).message
      }
    },
  ),
  offered: members<OfferedMessage>(
    { kind: literal('offered'), at, offered: offeredRunDecoder, by: partyName },
    { note: label(MAX_NOTE) },
  ),
  consented: object<ConsentedMessage>({ kind: literal('consented'), at, run, envelope }),
  declined: members<DeclinedMessage>(
    { kind: literal('declined'), at, run, party: partyName },
    { reason: label(MAX_NOTE) },
  ),
  view: object<ViewMessage>({ kind: literal('view'), at, view: runViewDecoder }),
  approved: object<ApprovedMessage>({ kind: literal('approved'), at, run, envelope }),
}

/**
 * Decodes a {@link RoomMessage} of one board. Of `joined`, the signature is verified; of everything else, nothing.
 * @throws `JCS_FIELD`, `ROOM_BOARD`
 */
export function roomMessageDecoder(board: string): Decoder<RoomMessage> {
  return (value, path) => {
    const kind = (value as { kind?: unknown } | null | undefined)?.kind
    if (typeof kind !== 'string' || !Object.hasOwn(KINDS, kind))
      throw jcsError('JCS_FIELD', `${path}.kind must be ${Object.keys(KINDS).join(', ')}`)
    const message = KINDS[kind as RoomMessage['kind']](value, path)
    if (message.kind === 'joined') requireSigned(message, board, path)
    return message
  }
}

/** "I take part under this name." @param about the board of the room, and the time in Unix seconds */
export function joinedMessage(
  party: RoomParty,
  name: Name,
  about: { board: string; at: UnixSeconds },
): JoinedMessage {
  return {
    kind: 'joined',
    at: about.at,
    party: party.as(name),
    envelope: signMembership({ ...about, name }, party),
  }
}

/** What a message shows beside the envelope is what was signed. */
function requireSigned({ at, party, envelope }: JoinedMessage, board: string, path: string): void {
  const signed = verifyMembership(envelope, board)
  if (signed.at !== at || !isSameParty(signed.party, party))
    throw jcsError('JCS_FIELD', `${path} contradicts itself: its envelope says something else`)
}
