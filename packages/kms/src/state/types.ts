import type {
  ArtifactId,
  Digest,
  Ed25519Key,
  KeyReleasePolicy,
  LoggedStatement,
  PublishedKey,
  UnixSeconds,
} from '@sotto/protocol/keyrelease'
import type { KeyIdAllocation } from '../keys/key-ids.ts'

/** Key encapsulation mechanisms this KMS makes request keys for. */
export type RequestKem = 'X-Wing' | 'X25519' | 'P-384'

/** A signed document; `index` is missing until the log holds it. */
export interface OwnStatement {
  /** Canonical DSSE envelope JSON; once written, appended again byte for byte until it is logged. */
  envelope: string
  index?: number
}

/** What makes this KMS itself; made once, never changed. */
export interface Identity {
  /** Ed25519 seed of the genesis root key. */
  rootSeed: Uint8Array
  genesis: OwnStatement
  /** SHA-256 of the canonical genesis. */
  digest: Digest
}

/** A request key with its private half. */
export interface RequestKey extends PublishedKey {
  kem: RequestKem
  privateKey: Uint8Array
  /** From then on the private half must not exist here. */
  destroyAt: UnixSeconds
}

/** An accepted key-release policy with the release statements behind it. */
export interface AcceptedPolicy {
  statement: LoggedStatement
  digest: Digest
  document: KeyReleasePolicy
  releases: LoggedStatement[]
}

/** One key set, signed. Only a logged one is ever served, and only its keys are ever released. */
export interface Epoch {
  number: number
  /** SHA-256 of the canonical key set. */
  digest: Digest
  statement: OwnStatement
  /** The statement key that signed it. */
  signer: Ed25519Key
  /** Identifiers of the set's keys. */
  keyIds: number[]
}

/** A sealed artifact's content key, held for its owner. */
export interface ArtifactKey {
  id: ArtifactId
  /** Ed25519, the first importer; only this key may import again. */
  owner: Ed25519Key
  /** The policy that says who may open the artifact, as its owner signed it. */
  policy: Digest
  /** 32 bytes. */
  contentKey: Uint8Array
}

/** The newest tree of the log this KMS has verified. */
export interface SeenTree {
  size: number
  /** Hexadecimal. */
  root: Digest
  /** Entries below this index were searched for key sets of our own (T11). */
  scanned: number
}

/** All the KMS keeps. A value: transitions make a new one, and the store gets the difference. */
export interface KmsState {
  readonly identity?: Identity
  readonly seen?: SeenTree
  readonly keyIds: KeyIdAllocation
  readonly keys: ReadonlyMap<number, RequestKey>
  /** Statement keys of this boot and the one before, newest first: whose key sets are our own (T11). */
  readonly statementKeys?: readonly Ed25519Key[]
  /** The policy of the current epoch. */
  readonly policy?: Digest
  /** Every accepted policy somebody may still refer to, by digest. */
  readonly policies: ReadonlyMap<Digest, AcceptedPolicy>
  readonly artifacts: ReadonlyMap<ArtifactId, ArtifactKey>
  readonly epoch?: Epoch
  /** The next epoch, written down before the log is asked to take it. */
  readonly pending?: { epoch: Epoch; policy: Digest }
}
