import { utf8 } from '@sotto/protocol/bytes'
import {
  type Name,
  type NamedContract,
  type OutputApproval,
  parseContract,
  type Party,
  runDigest,
  verifyPartyDocument,
} from '@sotto/protocol/contract'
import { type Digest, documentDigest, type UnixSeconds } from '@sotto/protocol/keyrelease'
import { type OfferedRun, RUN_STATES, type RunView } from '@sotto/protocol/room'
import { isSameParty } from './membership.ts'
import type { BoardEntry } from './message.ts'
import type {
  ApprovedMessage,
  ConsentedMessage,
  DeclinedMessage,
  JoinedMessage,
  OfferedMessage,
  ProposedMessage,
  RoomMessage,
  ViewMessage,
} from './messages.ts'

/** Where a message stands on the board, and when its sender says that it was sent. */
export interface Posted {
  index: number
  at: UnixSeconds
}

/** A run that a room offers, and what members said about it. */
export interface RoomRun extends Posted {
  run: Digest
  /** As the first member brought it: the evidence beside it is not verified. */
  offered: OfferedRun
  /** Who says to have asked for it, which nobody signed. */
  by: Name
  note?: string
  /** Each verified to be of that party of the contract, about this run. */
  consents: Map<Name, Posted & { envelope: string }>
  /** Unsigned: anybody of the room may have said it. */
  declined: (Posted & { party: Name; reason?: string })[]
  /** As members tell them, unverified: the furthest first, and of those the last one posted. */
  views: (Posted & { view: RunView })[]
  /** Each verified to be of that party of the contract, about this run; in the order of the board. */
  approvals: (Posted & { approval: OutputApproval; envelope: string })[]
}

/** A room as its board tells it. */
export interface RoomState {
  /** By name: whoever signed for it first. */
  members: Map<Name, Posted & { party: Party }>
  /** Who signed for a name that somebody with other keys had already. People have to find out which one is right. */
  conflicts: (Posted & { party: Party })[]
  /** By digest, in order. Nobody has agreed to any of them. */
  proposals: Map<Digest, Posted & NamedContract>
  /** By digest, in order. */
  runs: Map<Digest, RoomRun>
  /** Indexes of messages that cannot be read. */
  unreadable: number[]
  /** Indexes of messages about a run or contract that is not on the board, or whose signature is not what they say. */
  unproven: number[]
}

/**
 * What the messages of a board make of its room, however they are ordered: a message about a run may stand before it, and
 * the same message twice says nothing more. What is signed about runs is verified against the contract that the run names;
 * everything else is the word of some member. It never throws.
 * @param entries as `Board.read` gives them: signatures of members are verified there
 */
export function foldRoom(entries: Iterable<BoardEntry>): RoomState {
  const room: RoomState = {
    members: new Map(),
    conflicts: [],
    proposals: new Map(),
    runs: new Map(),
    unreadable: [],
    unproven: [],
  }
  const inOrder = [...entries].sort((one, other) => one.index - other.index)
  const seen = new Set<Digest>()
  for (const isFirst of [true, false])
    for (const entry of inOrder) {
      if (!('message' in entry)) {
        if (isFirst) room.unreadable.push(entry.index)
        continue
      }
      const { index, message } = entry
      if (isFirst !== FIRST.has(message.kind)) continue
      try {
        const digest = documentDigest(message)
        if (seen.has(digest)) continue
        seen.add(digest)
        if (!take(room, message, { index, at: message.at })) room.unproven.push(index)
      } catch {
        room.unproven.push(index)
      }
    }
  room.unproven.sort((one, other) => one - other)
  for (const { views } of room.runs.values()) views.sort(byProgress)
  return room
}

/** What others rest on is taken first. */
const FIRST: ReadonlySet<RoomMessage['kind']> = new Set(['joined', 'proposed', 'offered'])

/** @returns whether it found its place @throws where its signature is not what it says */
function take(room: RoomState, message: RoomMessage, posted: Posted): boolean {
  switch (message.kind) {
    case 'joined':
      return join(room, message, posted)
    case 'proposed':
      return propose(room, message, posted)
    case 'offered':
      return offer(room, message, posted)
    case 'consented':
      return consent(room, message, posted)
    case 'declined':
      return decline(room, message, posted)
    case 'view':
      return show(room, message, posted)
    case 'approved':
      return approve(room, message, posted)
  }
}

function join({ members, conflicts }: RoomState, { party }: JoinedMessage, posted: Posted): boolean {
  const present = members.get(party.name)
  if (present === undefined) members.set(party.name, { ...posted, party })
  else if (![present, ...conflicts].some((one) => isSameParty(one.party, party)))
    conflicts.push({ ...posted, party })
  return true
}

function propose({ proposals }: RoomState, { contract }: ProposedMessage, posted: Posted): boolean {
  const named = parseContract(utf8(contract))
  if (!proposals.has(named.digest)) proposals.set(named.digest, { ...posted, ...named })
  return true
}

function offer({ runs }: RoomState, { offered, by, note }: OfferedMessage, posted: Posted): boolean {
  const run = runDigest(offered.offer)
  if (runs.has(run)) return true
  const about = { run, offered, by, ...(note !== undefined && { note }) }
  runs.set(run, { ...posted, ...about, consents: new Map(), declined: [], views: [], approvals: [] })
  return true
}

function consent(room: RoomState, { run, envelope }: ConsentedMessage, posted: Posted): boolean {
  const found = signedAbout(room, run, 'consent', envelope)
  if (found === undefined) return false
  const { consents } = found.about
  if (!consents.has(found.document.party)) consents.set(found.document.party, { ...posted, envelope })
  return true
}

function approve(room: RoomState, { run, envelope }: ApprovedMessage, posted: Posted): boolean {
  const found = signedAbout(room, run, 'approval', envelope)
  if (found === undefined) return false
  const { approvals } = found.about
  if (!approvals.some((one) => one.envelope === envelope))
    approvals.push({ ...posted, approval: found.document, envelope })
  return true
}

function decline({ runs }: RoomState, { run, party, reason }: DeclinedMessage, posted: Posted): boolean {
  const about = runs.get(run)
  about?.declined.push({ ...posted, party, ...(reason !== undefined && { reason }) })
  return about !== undefined
}

function show({ runs }: RoomState, { view }: ViewMessage, posted: Posted): boolean {
  const about = runs.get(view.run)
  about?.views.push({ ...posted, view })
  return about !== undefined
}

/** A document that a party of the run's contract signed about this run; undefined where the board has no such run. */
function signedAbout<Kind extends 'consent' | 'approval'>(
  { runs, proposals }: RoomState,
  run: Digest,
  kind: Kind,
  envelope: string,
) {
  const about = runs.get(run)
  const named = about && proposals.get(about.offered.offer.contract)
  if (about === undefined || named === undefined) return undefined
  const { document } = verifyPartyDocument(kind, envelope, named)
  return document.run === run ? { about, document } : undefined
}

/** A run never goes back: where the board or a member says so, the furthest is shown first. */
function byProgress(one: RoomRun['views'][number], other: RoomRun['views'][number]): number {
  return rank(other.view) - rank(one.view) || other.index - one.index
}

const OVER = RUN_STATES.indexOf('done')

function rank({ state }: RunView): number {
  return Math.min(RUN_STATES.indexOf(state), OVER)
}
