import { MAX_SUCCESSIONS } from '@sotto/protocol/custody'
import { constitutionDecoder, type Constitution } from '@sotto/protocol/governance'
import {
  base64url,
  hex,
  integer,
  label,
  list,
  literal,
  members,
  object,
  parseStrictJson,
  text,
  type Decoder,
} from '@sotto/protocol/jcs'
import {
  genesisDecoder,
  releaseStatementDecoder,
  type Digest,
  type Ed25519Key,
  type Genesis,
  type MemberKey,
  type ReleaseStatement,
  type UnixSeconds,
} from '@sotto/protocol/keyrelease'
import { clientError } from '../../errors.ts'

/*
 * What a monitor remembers, and how much of it at most: whoever may append to the log must not be able to fill the
 * memory of those who watch. Beyond a bound the oldest goes; what is forgotten is then missing, which is an alert, or its
 * bound lies where reaching it has raised alerts before.
 */
const MAX_CERTIFICATES = 256
const MAX_RELEASES = 128
const MAX_PENDING = 64
const MAX_POLICIES = 256
const MAX_EPOCHS = 64
/** Years of honest rotation: a key that was forgotten would look like a new one. */
const MAX_KEYS = 4096
const MAX_HOLDS = 16
const MAX_ISSUERS = 16
export const MAX_TOKEN_KEYS = 256
/** Gateways that may spend: their receipts live for a day. */
export const MAX_RECEIPT_KEYS = 1024
/** Contexts of spent tokens that are over. */
export const MAX_CONTEXTS = 64
/** Contradictions whose evidence is kept, and how many of those may be undecided: a fork that grows fills no disk. */
export const MAX_CONTRADICTIONS = 16
export const MAX_UNDECIDED = 8
const MAX_STATE_BYTES = 16_777_216
const MAX_ENVELOPE_CHARACTERS = 65_535

/** A statement key, certified by the root key of the watched genesis. */
export interface KnownCertificate {
  key: Ed25519Key
  notBefore: UnixSeconds
  notAfter: UnixSeconds
}

/** A request key as it was first published. */
export interface KnownKey {
  /** Digest of its configuration: identifiers come back with other keys. */
  config: Digest
  notBefore: UnixSeconds
}

/** A member’s hold that members have not ended. */
export interface KnownHold {
  id: Digest
  member: MemberKey
  createdAt: UnixSeconds
}

/** A token key as it was first published. */
export interface KnownTokenKey {
  /** SHA-256 of the published key. */
  id: Digest
  class: string
  notBefore: UnixSeconds
  notAfter: UnixSeconds
}

/** A watched token issuer: its newest statement, and keys of all of them. */
export interface KnownIssuer {
  key: Ed25519Key
  sequence: number
  digest: Digest
  keys: KnownTokenKey[]
}

/** The newest link of a chain: number and digest. */
export interface Link {
  sequence: number
  digest: Digest
}

/** The newest batch of receipt digests that one enclave logged. */
export interface KnownBatch extends Link {
  key: Ed25519Key
}

/** What is known of the watched KMS. */
export interface WatchState {
  genesis?: { digest: Digest; document: Genesis }
  /** The root key in force, once it is not that of the genesis any more. */
  root?: { sequence: number; key: Ed25519Key }
  /** Root keys that others took the place of. */
  formerRoots?: Ed25519Key[]
  /** The newest share set, and what members decided on last; see `sharingDigest`. */
  shares?: { generation: number; rootKey: Ed25519Key; sharing: Digest }
  sharing?: Digest
  /** Receipt keys that releases certified, the newest last. */
  receiptKeys?: Ed25519Key[]
  /** The newest batch of receipt digests by each of those keys, the one that logged last at the end. */
  batches?: KnownBatch[]
  /** The newest spend roster, and contexts before its own. */
  roster?: { context: Digest; sequence: number }
  contexts?: Digest[]
  /** In force, once members accepted one. */
  constitution?: Constitution
  /** The newest decision, and the newest entry of the members' history. */
  decision?: Link
  record?: Link
  certificates: KnownCertificate[]
  /** Accepted release statements: signed by a release key, unrevoked, not too old. */
  releases: ReleaseStatement[]
  /** Highest security version of the web pages. */
  pagesVersion?: number
  /** Envelopes of release statements that came before the genesis that says whose they must be. */
  pending: { index: number; envelope: string }[]
  policies: Digest[]
  /** `createdAt` of the newest policy. */
  policyTime: UnixSeconds
  /** The newest epochs, the current one last. */
  epochs: { epoch: number; digest: Digest; index: number }[]
  keys: KnownKey[]
  holds: KnownHold[]
  issuers: KnownIssuer[]
}

/** Everything a monitor keeps between rounds. */
export interface MonitorState {
  version: 1
  /** The log it is of, so that the state of one is never taken for that of another. */
  logKey: string
  genesis: string
  /** The newest note that was accepted; absent before the first. */
  note?: string
  /** Entries below were judged. */
  next: number
  /** When everything that the log had signed was judged last, by this clock; at first, when the monitor began. */
  wholeAt: UnixSeconds
  watch: WatchState
  /** Digests of notes that contradict it, whose evidence is kept. */
  contradictions: Digest[]
  /** Entries by kind. */
  counts: { name: string; count: number }[]
}

/** The state before anything was read. */
export function emptyState(logKey: string, genesis: string, now: UnixSeconds): MonitorState {
  const watch: WatchState = {
    certificates: [],
    releases: [],
    pending: [],
    policies: [],
    policyTime: 0,
    epochs: [],
    keys: [],
    holds: [],
    issuers: [],
  }
  return { version: 1, logKey, genesis, next: 0, wholeAt: now, watch, contradictions: [], counts: [] }
}

/** Adds to a list of which only the newest are kept. */
export function keep<Name extends keyof typeof BOUNDS>(
  state: Record<Name, unknown[]>,
  name: Name,
  item: unknown,
): void {
  state[name].push(item)
  if (state[name].length > BOUNDS[name]) state[name].shift()
}

const BOUNDS = {
  certificates: MAX_CERTIFICATES,
  releases: MAX_RELEASES,
  pending: MAX_PENDING,
  policies: MAX_POLICIES,
  epochs: MAX_EPOCHS,
  keys: MAX_KEYS,
  holds: MAX_HOLDS,
  issuers: MAX_ISSUERS,
} as const

const digest = hex(32)
const link: Decoder<Link> = object({ sequence: integer(1), digest })
const watchDecoder: Decoder<WatchState> = members<WatchState>(
  {
    certificates: list(
      object({ key: base64url(32), notBefore: integer(), notAfter: integer() }),
      0,
      MAX_CERTIFICATES,
    ),
    releases: list(releaseStatementDecoder, 0, MAX_RELEASES),
    pending: list(object({ index: integer(), envelope: text(MAX_ENVELOPE_CHARACTERS) }), 0, MAX_PENDING),
    policies: list(digest, 0, MAX_POLICIES),
    policyTime: integer(),
    epochs: list(object({ epoch: integer(1), digest, index: integer() }), 0, MAX_EPOCHS),
    keys: list(object({ config: digest, notBefore: integer() }), 0, MAX_KEYS),
    holds: list(object({ id: digest, member: text(128), createdAt: integer() }), 0, MAX_HOLDS),
    issuers: list(
      object({
        key: base64url(32),
        sequence: integer(),
        digest,
        keys: list(
          object({ id: digest, class: text(32), notBefore: integer(), notAfter: integer() }),
          0,
          MAX_TOKEN_KEYS,
        ),
      }),
      0,
      MAX_ISSUERS,
    ),
  },
  {
    genesis: object({ digest, document: genesisDecoder }),
    root: object({ sequence: integer(1), key: base64url(32) }),
    formerRoots: list(base64url(32), 0, MAX_SUCCESSIONS),
    shares: object({ generation: integer(1), rootKey: base64url(32), sharing: digest }),
    sharing: digest,
    receiptKeys: list(base64url(32), 0, MAX_RECEIPT_KEYS),
    batches: list(object({ key: base64url(32), sequence: integer(1), digest }), 0, MAX_RECEIPT_KEYS),
    roster: object({ context: digest, sequence: integer() }),
    contexts: list(digest, 0, MAX_CONTEXTS),
    constitution: constitutionDecoder,
    decision: link,
    record: link,
    pagesVersion: integer(0),
  },
)

const stateDecoder: Decoder<MonitorState> = members<MonitorState>(
  {
    version: literal(1),
    logKey: text(512),
    genesis: text(64),
    next: integer(),
    wholeAt: integer(),
    watch: watchDecoder,
    contradictions: list(digest, 0, MAX_CONTRADICTIONS),
    counts: list(object({ name: label(64), count: integer(1) }), 0, 64),
  },
  { note: text(65_536) },
)

/** @throws `STORAGE_INVALID`: a monitor that forgets could be shown another history, so it does not by accident */
export function parseState(bytes: string, logKey: string, genesis: string): MonitorState {
  let state: MonitorState
  try {
    state = stateDecoder(parseStrictJson(bytes, { maxBytes: MAX_STATE_BYTES }), 'state')
  } catch (cause) {
    throw clientError('STORAGE_INVALID', 'what the monitor knew is damaged', {
      found: (cause as Error).message,
      hint: 'find out what changed the file; without it the monitor reads the log from the beginning',
      cause,
    })
  }
  if (state.logKey === logKey && state.genesis === genesis) return state
  throw clientError('STORAGE_INVALID', 'what the monitor knew is about another log or KMS', {
    expected: `${logKey} ${genesis}`,
    found: `${state.logKey} ${state.genesis}`,
    hint: 'name another file for this one',
  })
}
