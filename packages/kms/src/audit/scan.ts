import { fromBase64Url, utf8 } from '@sotto/protocol/bytes'
import { CUSTODY_TYPES, rootSuccessionDecoder } from '@sotto/protocol/custody'
import { type DsseEnvelope, parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import { decisionDecoder, type GovernanceRecord, governanceRecordDecoder } from '@sotto/protocol/governance'
import type { Decoder } from '@sotto/protocol/jcs'
import {
  decodeDocument,
  documentDigest,
  type Ed25519Key,
  type KeySet,
  keySetDecoder,
  type KmsCertificate,
  kmsCertificateDecoder,
  PAYLOAD_TYPES,
} from '@sotto/protocol/keyrelease'
import { SPENDING_TYPES, type SpendRoster, spendRosterDecoder } from '@sotto/protocol/spending'
import { STATE_ANCHOR_TYPE, type StateAnchor, stateAnchorDecoder } from '@sotto/protocol/state-anchor'
import { kmsError } from '../errors.ts'
import type { ChainEnd } from '../governance/types.ts'
import { keyAfter, rootKeyAt } from '../root/in-force.ts'
import type { KmsState } from '../state/index.ts'
import { requireAnchored } from './state-anchor.ts'

/** What the log says about this KMS beyond what it already knew. */
export interface OwnHistory {
  /** Statement keys the log knows for our genesis, oldest first. */
  statementKeys: Ed25519Key[]
  /** The newest roster of gateways that spend tokens; undefined when these entries have none (T12). */
  roster: SpendRoster | undefined
}

/**
 * Reads log entries for statements of our own genesis and compares them with the state (T11). Other
 * entries are anybody's and are skipped.
 * @throws `KMS_STATE_ROLLED_BACK` when the log holds a key set, a root succession, a record of the members, a
 * state anchor or a boot this state does not know: the store is an old copy, and going on would give one epoch two sets, or
 * forget what was acknowledged
 */
export async function scanOwnHistory(
  state: KmsState,
  entries: AsyncIterable<{ index: number; entry: Uint8Array }>,
): Promise<OwnHistory> {
  const identity = state.identity!
  const statementKeys: Ed25519Key[] = [...(state.statementKeys ?? [])].toReversed()
  let roster: SpendRoster | undefined
  for await (const { index, entry } of entries) {
    const envelope = tryParse(entry)
    if (envelope?.payloadType === PAYLOAD_TYPES.kmsCertificate) {
      requireNotSucceeded(state, envelope)
      const certificate = verified<KmsCertificate>(
        envelope,
        [fromBase64Url(rootKeyAt(state, index))],
        kmsCertificateDecoder,
      )
      if (certificate?.genesis === identity.digest && !statementKeys.includes(certificate.signingKey)) {
        requireWrittenDown(state, certificate.signingKey, statementKeys)
        statementKeys.push(certificate.signingKey)
      }
    } else if (envelope?.payloadType === PAYLOAD_TYPES.keySet) {
      const keySet = verified<KeySet>(envelope, statementKeys.map(fromBase64Url), keySetDecoder)
      if (keySet?.genesis === identity.digest) requireKnown(state, keySet)
    } else if (envelope?.payloadType === CUSTODY_TYPES.rootSuccession) {
      requireKnownSuccession(state, envelope, index)
    } else if (envelope?.payloadType === STATE_ANCHOR_TYPE) {
      const anchor = verified<StateAnchor>(envelope, statementKeys.map(fromBase64Url), stateAnchorDecoder)
      if (anchor?.genesis === identity.digest) requireAnchored(state, anchor)
    } else if (envelope?.payloadType === SPENDING_TYPES.roster) {
      const found = verified<SpendRoster>(envelope, statementKeys.map(fromBase64Url), spendRosterDecoder)
      if (found?.genesis === identity.digest) roster = found
    } else if (envelope !== undefined && Object.hasOwn(CHAINS, envelope.payloadType)) {
      const { end, decoder } = CHAINS[envelope.payloadType]!
      const link = verified<Link>(envelope, statementKeys.map(fromBase64Url), decoder)
      if (link?.genesis === identity.digest) requireNotLater(link, end(state), envelope.payload)
    }
  }
  return { statementKeys, roster }
}

function requireKnown(state: KmsState, keySet: KeySet): void {
  const digest = documentDigest(keySet)
  const known = [state.epoch, state.pending?.epoch].filter((epoch) => epoch !== undefined)
  const newest = Math.max(0, ...known.map((epoch) => epoch.number))
  const isOlder = keySet.epoch < newest && !known.some((epoch) => epoch.number === keySet.epoch)
  if (isOlder || known.some((epoch) => epoch.number === keySet.epoch && epoch.digest === digest)) return
  throw rolledBack(`epoch ${keySet.epoch}`, `epoch ${newest}`)
}

/** Boots in a row that die before they have read the log, and whose keys are all known. */
export const MAX_BOOTING = 16

/**
 * Every boot over this store wrote its key down first. One that it does not know, and that came before its own, was
 * over another copy; one that came after fences this boot, which is for the caller to see.
 */
function requireWrittenDown({ booting = [] }: KmsState, key: Ed25519Key, found: readonly Ed25519Key[]): void {
  const [own, ...before] = booting
  // A store that nobody wrote a boot into before this one knows of none; one with too many does not know all of them.
  const isWhole = before.length > 0 && booting.length <= MAX_BOOTING
  if (!isWhole || own === undefined || found.includes(own) || booting.includes(key)) return
  throw rolledBack(`a boot with key ${key}`, `boots with ${before.join(', ')}`)
}

/** The next root key certifies nothing before the store has it in force: whoever did that works with a later copy. */
function requireNotSucceeded({ identity, roots = [], rotation }: KmsState, envelope: DsseEnvelope): void {
  if (rotation?.next === undefined) return
  const key = fromBase64Url(keyAfter(rotation.next.succession))
  if (verified<KmsCertificate>(envelope, [key], kmsCertificateDecoder)?.genesis !== identity!.digest) return
  throw rolledBack(`root succession ${roots.length + 1}`, `root succession ${roots.length}`)
}

/**
 * A root key that took the place of ours, and not by our hand: whoever signs with it is no longer heard here, so
 * this is all that an older copy sees of it.
 */
function requireKnownSuccession(
  { roots = [], rotation, ...state }: KmsState,
  envelope: DsseEnvelope,
  index: number,
): void {
  const own = [...roots, rotation?.next?.succession].flatMap((known) =>
    known === undefined ? [] : documentDigest(parseDsse(utf8(known.envelope)).payload),
  )
  if (own.includes(documentDigest(envelope.payload))) return
  // Only the key in force can be replaced; what a thief of an earlier one signs stops nobody.
  const rootKey = rootKeyAt({ ...state, roots }, index)
  const named = attempt(() => decodeDocument(envelope.payload, rootSuccessionDecoder))
  if (named?.genesis !== state.identity!.digest || named.previousKey !== rootKey) return
  const keys = [named.previousKey, named.rootKey].map(fromBase64Url)
  if (verified(envelope, keys, rootSuccessionDecoder, 2) === undefined) return
  throw rolledBack(`root succession ${named.sequence}`, `root succession ${roots.length}`)
}

/** What records and decisions have in common. */
type Link = Pick<GovernanceRecord, 'genesis' | 'sequence'>

/** The members' history and its outcomes: no vote that the log knows may be missing. */
const CHAINS: Readonly<Record<string, { end: (state: KmsState) => ChainEnd; decoder: Decoder<Link> }>> = {
  [PAYLOAD_TYPES.governance]: {
    end: ({ governance }) => governance.records,
    decoder: governanceRecordDecoder,
  },
  [PAYLOAD_TYPES.decision]: { end: ({ governance }) => governance.decisions, decoder: decisionDecoder },
}

function requireNotLater({ sequence }: Link, end: ChainEnd, payload: Uint8Array): void {
  if (sequence < end.sequence || (sequence === end.sequence && documentDigest(payload) === end.digest)) return
  throw rolledBack(`governance ${sequence}`, `governance ${end.sequence}`)
}

function rolledBack(expected: string, found: string): Error {
  return kmsError('KMS_STATE_ROLLED_BACK', 'the log knows a later state than the store', {
    expected,
    found,
    hint: 'Restore the newest copy of the store. Custodians, where there are some, can agree to begin with an empty one.',
  })
}

function tryParse(entry: Uint8Array): DsseEnvelope | undefined {
  return attempt(() => parseDsse(entry))
}

function verified<T>(
  envelope: DsseEnvelope,
  keys: readonly Uint8Array[],
  decoder: Parameters<typeof decodeDocument<T>>[1],
  threshold = 1,
): T | undefined {
  return attempt(() =>
    decodeDocument(verifyDsse(envelope, envelope.payloadType, keys, threshold).payload, decoder),
  )
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
