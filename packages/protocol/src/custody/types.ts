import type { Evidence } from '../keyrelease/admission.ts'
import type { Digest, Ed25519Key, LoggedStatement, UnixSeconds } from '../keyrelease/types.ts'

/** DSSE payload types of custody. */
export const CUSTODY_TYPES = {
  shareSet: 'application/vnd.sotto.share-set+json',
  acknowledgement: 'application/vnd.sotto.share-acknowledgement+json',
  rootSuccession: 'application/vnd.sotto.root-succession+json',
  recoverySession: 'application/vnd.sotto.recovery-session+json',
  recoveryReceipt: 'application/vnd.sotto.recovery-receipt+json',
} as const

/** Most successions of one KMS: a bundle carries them all. */
export const MAX_SUCCESSIONS = 32

/** Types of what is hashed or wrapped and never signed as a document of its own. */
export const CUSTODY_CONTEXTS = {
  share: 'application/vnd.sotto.share+json',
  commitment: 'application/vnd.sotto.share-commitment+json',
  release: 'application/vnd.sotto.share-release+json',
  binding: 'application/vnd.sotto.binding.recovery+json',
} as const

/**
 * A custodian's public key, base64url: an X-Wing key (1216 bytes), to which a share is sealed, and an
 * Ed25519 key (32 bytes), which signs that the share could be opened.
 */
export type CustodianKey = string

/** Who may hold shares: what configuration and re-sharing name. */
export interface Custodian {
  /** 1-64 characters; not a security value. */
  name: string
  key: CustodianKey
}

/** One custodian's share, sealed. */
export interface SealedShare {
  custodian: string
  /** SHA-256 of the custodian's key. */
  key: Digest
  /** Verifies the custodian's acknowledgement. */
  signingKey: Ed25519Key
  /** x coordinate, 1 to the number of shares. */
  index: number
  /** See `shareCommitment`: what the share must be, without saying it. */
  commitment: Digest
  /** HPKE (X-Wing, HKDF-SHA256, AES-256-GCM) to the custodian's key. HPKE info: see `sealShare`. */
  enc: string
  wrapped: string
}

/**
 * All shares of one secret, for everybody to see and for its custodians alone to open (T15). Signed by the
 * KMS's statement key and logged whole.
 */
export interface ShareSet {
  version: 1
  genesis: Digest
  /** Grows by one with every sharing; of two sets the higher one counts. */
  generation: number
  /** The root key the secret yields: genesis key, or that of the succession it was made for. */
  rootKey: Ed25519Key
  threshold: number
  shares: SealedShare[]
  createdAt: UnixSeconds
}

/** A custodian's word that the share could be opened and is what the set commits to. Signed by its Ed25519 key. */
export interface ShareAcknowledgement {
  version: 1
  genesis: Digest
  generation: number
  index: number
  /** SHA-256 of the canonical {@link ShareSet}. */
  shareSet: Digest
}

/** A new root key takes the place of the one before: signed by both. */
export interface RootSuccession {
  version: 1
  genesis: Digest
  /** 1 for the first after the genesis. */
  sequence: number
  previousKey: Ed25519Key
  rootKey: Ed25519Key
  createdAt: UnixSeconds
}

/**
 * A KMS without its secret asks for shares. Signed by a key of this session and logged, so that every
 * recovery is public and what the KMS then reads of the log is no older than its question (T11).
 */
export interface RecoverySession {
  version: 1
  genesis: Digest
  /** X-Wing public key of this session, base64url: shares are sealed to it and nothing else. */
  recoveryKey: string
  /** 32 random bytes, base64url. */
  nonce: string
}

/** What the evidence of a recovery binds. */
export interface RecoveryBinding extends RecoverySession {
  /** `checkpointDigest` of the witnessed note that contains the session. */
  checkpoint: Digest
}

/** `GET /v1/recovery`: everything a custodian judges before it opens its share. */
export interface RecoveryRequest {
  genesis: LoggedStatement
  /** Root successions since the genesis, oldest first. */
  roots: LoggedStatement[]
  /** KMS certificate of the key that signed `shareSet`. */
  certificate: LoggedStatement
  shareSet: LoggedStatement
  session: LoggedStatement
  /** Release statements of the KMS, newest first. */
  releases: LoggedStatement[]
  evidence: Evidence
  binding: RecoveryBinding
  /** The note whose digest the binding holds. */
  boundCheckpoint: string
  /** Indexes of the shares received in this session. */
  received: number[]
}

/** `POST /v1/recovery/shares`: one share, sealed to the session. */
export interface RecoveryShare {
  version: 1
  genesis: Digest
  generation: number
  index: number
  /** Of the session it is meant for. */
  nonce: string
  /**
   * The custodian agrees that this KMS begins with an empty store although the log knows of keys: only with
   * as many such shares as the threshold does it (T11).
   */
  forgetStore: boolean
  enc: string
  /** The sealed share. HPKE info: see `resealShare`; it covers all of the above. */
  wrapped: string
}

/** The KMS's record of a recovery, logged before it serves. */
export interface RecoveryReceipt {
  version: 1
  genesis: Digest
  generation: number
  /** Of the session, see {@link RecoverySession}. */
  nonce: string
  /** Indexes of the shares that were combined. */
  indexes: number[]
  forgotStore: boolean
  recoveredAt: UnixSeconds
}

/** `GET /v1/shares`: who holds shares, and who said that it can open its own. */
export interface SharesDocument {
  genesis: LoggedStatement
  roots: LoggedStatement[]
  certificate: LoggedStatement
  shareSet: LoggedStatement
  acknowledgements: LoggedStatement[]
}
