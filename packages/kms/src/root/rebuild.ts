import { fromBase64Url, fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { type DsseEnvelope, parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import {
  constitutionInForce,
  decisionDecoder,
  type GovernanceRecord,
  governanceRecordDecoder,
  type InForce,
  type MemberStatement,
  parseMemberJws,
  verifyDecision,
  verifyMemberJws,
} from '@sotto/protocol/governance'
import type { Decoder } from '@sotto/protocol/jcs'
import {
  decodeDocument,
  type Digest,
  documentDigest,
  type Ed25519Key,
  type KeySet,
  keySetDecoder,
  type LoggedStatement,
  PAYLOAD_TYPES,
  releaseStatementDecoder,
} from '@sotto/protocol/keyrelease'
import { SPENDING_TYPES, spendRosterDecoder } from '@sotto/protocol/spending'
import { STATE_ANCHOR_TYPE, stateAnchorDecoder } from '@sotto/protocol/state-anchor'
import { inForceOf } from '../governance/in-force.ts'
import type { ClosedProposal } from '../governance/types.ts'
import { MAX_GRACE_SECONDS } from '../config/config.ts'
import { MAX_CACHED_VERDICT_SECONDS } from '../keys/lifetime.ts'
import { withPolicy } from '../policies/index.ts'
import type { KmsState } from '../state/index.ts'
import type { RootHistory } from '@sotto/verifier/custody'

/** Longest grace, and longest life of a cached verdict: so long after its end an identifier may be in use. */
const ID_BUSY_SECONDS: number = MAX_GRACE_SECONDS + MAX_CACHED_VERDICT_SECONDS
/** Release statements one policy rests on. */
const MAX_RELEASES = 32
/** Nobody knows the salt of an anchor whose store is gone: the next state gets an anchor of its own. */
const LOST_SALT: Uint8Array = new Uint8Array(32)

/** What the replay knows besides the state. */
interface Replay {
  state: KmsState
  signers: readonly Uint8Array[]
  constitutions: InForce[]
  releases: LoggedStatement[]
  /** Proposals that no decision came of so far. */
  undecided: Map<Digest, ClosedProposal>
}

type Reader = (replay: Replay, envelope: DsseEnvelope, statement: LoggedStatement) => KmsState

/**
 * The state of a KMS as far as the log tells it: members and what they decided, holds, the number and the
 * identifiers of key sets. Private request keys and content keys of artifacts are not in the log: they are gone.
 * What was open or rejected is closed: how its votes stood is not taken up again, and old ones must not decide it.
 * Only for a store that custodians agreed to give up (T11).
 */
export async function rebuildState(
  adopted: KmsState,
  history: RootHistory,
  entries: AsyncIterable<{ index: number; entry: Uint8Array }>,
): Promise<KmsState> {
  const signers = history.statementKeys.map(fromBase64Url)
  const constitutions = [inForceOf(adopted)]
  const replay: Replay = { state: adopted, signers, constitutions, releases: [], undecided: new Map() }
  for await (const { index, entry } of entries) {
    const envelope = attempt(() => parseDsse(entry))
    const read = envelope === undefined ? undefined : READERS[envelope.payloadType]
    if (read !== undefined) replay.state = read(replay, envelope!, { envelope: fromUtf8(entry), index })
  }
  const { governance } = replay.state
  const closed = [...governance.closed, ...replay.undecided.values()]
  return {
    ...replay.state,
    governance: { ...governance, closed },
    statementKeys: history.statementKeys.toReversed(),
  }
}

const READERS: Readonly<Record<string, Reader | undefined>> = {
  __proto__: null as never,
  [PAYLOAD_TYPES.release]: readRelease,
  [PAYLOAD_TYPES.keySet]: readKeySet,
  [PAYLOAD_TYPES.governance]: readRecord,
  [PAYLOAD_TYPES.decision]: readDecision,
  [STATE_ANCHOR_TYPE]: readAnchor,
  [SPENDING_TYPES.roster]: readRoster,
}

function readRelease(replay: Replay, envelope: DsseEnvelope, statement: LoggedStatement): KmsState {
  const keys = replay.constitutions.at(-1)!.releaseKeys.map(fromBase64Url)
  if (signed(envelope, keys, releaseStatementDecoder) !== undefined) {
    replay.releases.push(statement)
    if (replay.releases.length > MAX_RELEASES) replay.releases.shift()
  }
  return replay.state
}

function readKeySet(
  { state, signers }: Replay,
  envelope: DsseEnvelope,
  statement: LoggedStatement,
): KmsState {
  const keySet = signed<KeySet>(envelope, signers, keySetDecoder)
  if (keySet?.genesis !== state.identity!.digest || keySet.epoch <= (state.epoch?.number ?? 0)) return state
  const busyUntil: Record<string, number> = { ...state.keyIds.busyUntil }
  for (const { keyId, notAfter } of keySet.keys)
    busyUntil[keyId] = Math.max(busyUntil[keyId] ?? 0, notAfter + ID_BUSY_SECONDS)
  const epoch = {
    number: keySet.epoch,
    digest: documentDigest(keySet),
    statement,
    signer: signerOf(envelope, signers),
    keyIds: keySet.keys.map(({ keyId }) => keyId),
  }
  // New keys stand first in a set, in the order they were numbered.
  const newest = Math.max(...keySet.keys.map(({ notBefore }) => notBefore))
  const last = keySet.keys.findLast(({ notBefore }) => notBefore === newest)!
  return { ...state, epoch, keyIds: { next: (last.keyId + 1) % 256, busyUntil } }
}

function readRecord(replay: Replay, envelope: DsseEnvelope): KmsState {
  const { state, signers, constitutions, undecided } = replay
  const record = signed<GovernanceRecord>(envelope, signers, governanceRecordDecoder)
  const { governance, identity } = state
  if (record?.genesis !== identity!.digest || record.sequence !== governance.records.sequence + 1)
    return state
  const records = { sequence: record.sequence, digest: documentDigest(record) }
  const next = { ...state, governance: { ...governance, records } }
  // Admitted by the KMS before it was logged, maybe under the constitution before.
  const members = constitutions.flatMap((constitution) => constitution.members)
  const { type, jws } = record.entry
  if (type === 'proposal') {
    const proposed = attempt(() => verifyMemberJws(parseMemberJws(jws, 'proposal'), members))
    if (proposed !== undefined) undecided.set(proposed.id, closedWithoutVotes(proposed))
  }
  const held = type === 'hold' && attempt(() => verifyMemberJws(parseMemberJws(jws, 'hold'), members))
  if (!held) return next
  const { id, member, document } = held
  const hold = { id, member, reason: document.reason, createdAt: document.createdAt }
  return {
    ...next,
    governance: {
      ...next.governance,
      holds: [...governance.holds, hold],
      lastHolds: { ...governance.lastHolds, [member.key]: document.createdAt },
    },
  }
}

function closedWithoutVotes({ id, member, document }: MemberStatement<'proposal'>): ClosedProposal {
  return {
    id,
    kind: document.kind,
    author: member,
    outcome: 'overtaken',
    closedAt: document.createdAt,
    expiresAt: document.expiresAt,
    accepted: [],
    rejected: [],
  }
}

function readDecision(replay: Replay, envelope: DsseEnvelope, statement: LoggedStatement): KmsState {
  const { state, signers, constitutions } = replay
  const decision = signed(envelope, signers, decisionDecoder)
  const { governance, identity } = state
  if (decision?.genesis !== identity!.digest || decision.sequence !== governance.decisions.sequence + 1)
    return state
  const verified = verifyDecision(utf8(statement.envelope), [constitutions.at(-1)!])
  const { proposal, id, author, accepted } = verified
  replay.undecided.delete(id)
  const closed = {
    id,
    kind: proposal.kind,
    author,
    outcome: 'accepted' as const,
    closedAt: proposal.createdAt,
    expiresAt: proposal.expiresAt,
    accepted: accepted.map(({ name }) => name),
    rejected: [],
    index: statement.index,
  }
  const decisions = { sequence: verified.sequence, digest: verified.digest }
  const next = { ...state, governance: { ...governance, decisions, closed: [...governance.closed, closed] } }
  switch (proposal.kind) {
    case 'constitution': {
      const inForce = constitutionInForce(proposal.body)
      constitutions.push(inForce)
      const succession = [...governance.succession, statement]
      return { ...next, governance: { ...next.governance, inForce, succession } }
    }
    case 'key-release-policy': {
      const digest = documentDigest(proposal.body)
      const policy = { digest, document: proposal.body, statement, releases: [...replay.releases] }
      // In force even where no key set under it was logged any more (T2).
      return { ...withPolicy(next, policy), policy: digest }
    }
    case 'resume': {
      const holds = governance.holds.filter((hold) => hold.id !== proposal.body.hold)
      return { ...next, governance: { ...next.governance, holds } }
    }
    case 'owners':
      return { ...next, owners: proposal.body.owners }
    case 'custodians':
      return { ...next, custody: { ...next.custody!, sharing: proposal.body } }
    default:
      return next
  }
}

function readAnchor(
  { state, signers }: Replay,
  envelope: DsseEnvelope,
  { index }: LoggedStatement,
): KmsState {
  const anchor = signed(envelope, signers, stateAnchorDecoder)
  if (anchor?.genesis !== state.identity!.digest) return state
  const { sequence, digest } = anchor
  return { ...state, anchor: { sequence, digest, salt: LOST_SALT, index } }
}

function readRoster({ state, signers }: Replay, envelope: DsseEnvelope): KmsState {
  const roster = signed(envelope, signers, spendRosterDecoder)
  return roster?.genesis === state.identity!.digest ? { ...state, roster } : state
}

function signerOf(envelope: DsseEnvelope, signers: readonly Uint8Array[]): Ed25519Key {
  const { signers: found } = verifyDsse(envelope, envelope.payloadType, signers)
  return toBase64Url(found[0]!)
}

function signed<T>(envelope: DsseEnvelope, keys: readonly Uint8Array[], decoder: Decoder<T>): T | undefined {
  return attempt(() => decodeDocument(verifyDsse(envelope, envelope.payloadType, keys).payload, decoder))
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
