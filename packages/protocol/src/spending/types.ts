import type { Digest, Ed25519Key, LoggedStatement, UnixSeconds } from '../keyrelease/index.ts'

/**
 * DSSE payload types. The first two are signed by the receipt key of an enclave boot, the others by the statement
 * key of the KMS; {@link SpendRoster} is logged, the rest is not.
 */
export const SPENDING_TYPES = {
  join: 'application/vnd.sotto.spend-join+json',
  request: 'application/vnd.sotto.spend+json',
  offer: 'application/vnd.sotto.spend-offer+json',
  admission: 'application/vnd.sotto.spend-admission+json',
  answer: 'application/vnd.sotto.spend-answer+json',
  roster: 'application/vnd.sotto.spend-roster+json',
} as const

/**
 * 32 random bytes that access tokens are bound to, hexadecimal: one memory of spent tokens. Where that memory may
 * have lost something, another context takes its place, and every token of the old one is void (T12).
 */
export type SpendContext = string
/** 32 random bytes of one run of the KMS, hexadecimal. A gateway that has left a session never comes back to it. */
export type SpendSession = string

/** "Here is a session": what a gateway joins before it spends. */
export interface SpendOffer {
  version: 1
  genesis: Digest
  session: SpendSession
}

/**
 * A gateway joins a session. From this moment it takes no answer of another session, so that two runs of one KMS
 * can never answer it in turn.
 */
export interface SpendJoin {
  version: 1
  genesis: Digest
  session: SpendSession
  /** The receipt key, which signs this. */
  gateway: Ed25519Key
  /** What the KMS certified the key with; it says how long the gateway may spend. */
  receipt: LoggedStatement
  /** The context it was answered in last, and the highest sequence it knows of it; 64 zeros and 0 before the first. */
  context: SpendContext
  sequence: number
  /** It ends, and will take no answer any more, in whatever session. */
  leaves: boolean
}

/** A gateway is in a session. */
export interface SpendAdmission {
  version: 1
  genesis: Digest
  session: SpendSession
  /** SHA-256 of the canonical {@link SpendJoin}. */
  request: Digest
  context: SpendContext
  /** How far the set is. */
  sequence: number
}

/** One token that is being spent. */
export interface SpendEntry {
  /** 32 bytes as base64url, chosen by a client. */
  nonce: string
  /** 32 bytes as base64url: SHA-256 of the issuer's key. */
  keyId: string
  /** When that key ends: the entry is remembered until then. */
  expiresAt: UnixSeconds
}

/** A gateway spends tokens, 1 to 256 at once. */
export interface SpendRequest {
  version: 1
  genesis: Digest
  session: SpendSession
  context: SpendContext
  gateway: Ed25519Key
  /** Grows by one with each request of this boot. The same number again asks for the same answer. */
  counter: number
  entries: SpendEntry[]
}

/** What became of the entries of one {@link SpendRequest}; durable before it is signed. */
export interface SpendAnswer {
  version: 1
  genesis: Digest
  session: SpendSession
  context: SpendContext
  /** SHA-256 of the canonical {@link SpendRequest}. */
  request: Digest
  /** Number of this request among all requests of the context. */
  sequence: number
  /** Bit mask as base64url, first entry in the lowest bit of the first byte: which entries this request spent first. */
  spent: string
}

/**
 * In the log before any of `gateways` is answered: who may be told of spent tokens from here on, and that the set
 * holds at least `sequence` requests. The newest one of a genesis says what a starting KMS must know to go on with
 * the context; where it names no gateway, nothing came after it.
 */
export interface SpendRoster {
  version: 1
  genesis: Digest
  session: SpendSession
  context: SpendContext
  sequence: number
  /** Receipt keys, in order, none twice. At most 256. */
  gateways: Ed25519Key[]
}

/** Body of `POST /v1/spend`, `POST /v1/spend/join` and of every answer. */
export interface SpendMessage {
  /** Canonical DSSE envelope. */
  envelope: string
}

/** "Never answered": what a gateway joins with first. */
export const NO_CONTEXT: SpendContext = '0'.repeat(64)
/** Entries of one request: its envelope stays below 64 KiB. */
export const MAX_SPEND_ENTRIES = 256
/** Gateways of one session. */
export const MAX_SPEND_GATEWAYS = 256
