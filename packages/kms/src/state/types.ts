import type {
  ArtifactId,
  Digest,
  Ed25519Key,
  KeyReleasePolicy,
  LoggedStatement,
  ModelVersion,
  PublishedKey,
  UnixSeconds,
} from '@sotto/protocol/keyrelease'
import type { AdmittedOwner } from '@sotto/protocol/governance'
import type { SpendRoster } from '@sotto/protocol/spending'
import type { HeldContract } from '../contracts/types.ts'
import type { Governance, OpenProposal } from '../governance/types.ts'
import type { KeyIdAllocation } from '../keys/key-ids.ts'
import type { Sharing } from '../root/types.ts'

/** Key encapsulation mechanisms this KMS makes request keys for. */
export type RequestKem = 'X-Wing' | 'X25519' | 'P-384'

/** A signed document; `index` is missing until the log holds it. */
export interface OwnStatement {
  /** Canonical DSSE envelope JSON; once written, appended again byte for byte until it is logged. */
  envelope: string
  index?: number
}

/** What makes this KMS itself; made once, never changed. The root key behind it is derived from the root secret. */
export interface Identity {
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
  /** The decision by which members accepted it. */
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
  /** Ed25519, the first importer; only this key may import again, or have it forgotten. */
  owner: Ed25519Key
  /** The policy that says who may open the artifact: the owner's own, or one that members accepted. */
  policy: Digest
  /** 32 bytes. */
  contentKey: Uint8Array
  /** When its owner made the newest import: none that is older is taken. 0 where a version before kept none. */
  importedAt: UnixSeconds
  /** Which models of the owner it is, as the imports say. */
  models: readonly HeldModel[]
  /** Digest of the contract under which alone the key leaves; missing: by `policy`. */
  contract?: Digest
}

/** A model that an artifact is. */
export interface HeldModel extends ModelVersion {
  /** When the owner made the newest import that says so: a removal covers what was made until then. */
  importedAt: UnixSeconds
  /** The owner removed it; the key stays for another model that is the same artifact. */
  isRemoved?: true
}

/** An artifact whose key its owner had destroyed: it never comes back. */
export interface RemovedArtifact {
  id: ArtifactId
  /** Which import key was in force then: see `importKeyName`. No import that is wrapped to an older one can be opened. */
  importKey: string
  /** Which models it was. */
  models?: readonly ModelVersion[]
}

/** A removal that its owner signed: no import that was made until then, and comes later, is taken for such a model. */
export interface RemovedModel {
  /** Absent: any. */
  name?: string
  version: number | 'all'
  createdAt: UnixSeconds
  /** As in {@link RemovedArtifact}. */
  importKey: string
}

/** The newest tree of the log this KMS has verified. */
export interface SeenTree {
  size: number
  /** Hexadecimal. */
  root: Digest
  /** Entries below this index were searched for key sets of our own (T11). */
  scanned: number
}

/** Where the durable state stands: what the log holds of it, so that an older copy is noticed (T11). */
export interface StateAnchorMark {
  /** Changes so far that the log does not show by itself. */
  sequence: number
  /** Of all records that count, with `salt`. */
  digest: Digest
  salt: Uint8Array
  /** Where the log holds it; missing until it does. */
  index?: number
}

/** Shares of the root secret: who has them, and who said that it can open its own (T15). */
export interface Custody {
  /** Of the newest set. */
  generation: number
  /** Who got shares; unknown where a lost store was begun anew. */
  sharing: Sharing | undefined
  /** The newest share set. */
  set: OwnStatement
  /** Certificate of the key that signed it. */
  certificate: LoggedStatement
  /** For the newest set, by number of the share. */
  acknowledgements: { share: number; statement: LoggedStatement }[]
  /** Of some set enough custodians said so: the secret can be brought back. */
  isEstablished: boolean
}

/** A new root secret on its way into force. */
export interface RootRotation {
  /** The root generation it ends: 1 for that of the genesis. */
  generation: number
  /** The next secret; missing until it is made. */
  next?: {
    secret: Uint8Array
    /** Signed by the old and the new root key. */
    succession: OwnStatement
  }
}

/** All the KMS keeps. A value: transitions make a new one, and the store gets the difference. */
export interface KmsState {
  readonly identity?: Identity
  readonly seen?: SeenTree
  readonly keyIds: KeyIdAllocation
  readonly keys: ReadonlyMap<number, RequestKey>
  /** Statement keys of this boot and the one before, newest first: whose key sets are our own (T11). */
  readonly statementKeys?: readonly Ed25519Key[]
  /** Statement keys written down before the log heard of them, newest first; of boots before the last one that began only its own. */
  readonly booting?: readonly Ed25519Key[]
  /** The policy of the current epoch. */
  readonly policy?: Digest
  /** Every accepted policy somebody may still refer to, by digest. */
  readonly policies: ReadonlyMap<Digest, AcceptedPolicy>
  readonly artifacts: ReadonlyMap<ArtifactId, ArtifactKey>
  /** Whose content keys are taken, as members decided; nobody's while they did not. */
  readonly owners?: readonly AdmittedOwner[]
  /** Owners' own policies that artifacts refer to, by digest. */
  readonly ownerPolicies: ReadonlyMap<Digest, KeyReleasePolicy>
  /** Of each owner, oldest first. */
  readonly removed: ReadonlyMap<Ed25519Key, readonly RemovedArtifact[]>
  /** Of each owner, oldest first. */
  readonly removedModels: ReadonlyMap<Ed25519Key, readonly RemovedModel[]>
  /** Of clean rooms, by digest. */
  readonly contracts: ReadonlyMap<Digest, HeldContract>
  /** Contracts that ended and are kept no more, with the time from which nobody could accept them anyway. */
  readonly endedContracts: ReadonlyMap<Digest, UnixSeconds>
  /** Envelopes of what the log is to hold of contracts and does not hold yet, oldest first. */
  readonly contractEvents?: readonly string[]
  /** Missing until something changed that the log does not show by itself. */
  readonly anchor?: StateAnchorMark
  readonly epoch?: Epoch
  /** The newest in the log: which gateways may have been told of spent tokens (T12). */
  readonly roster?: SpendRoster
  /** Root successions, oldest first. */
  readonly roots?: readonly LoggedStatement[]
  readonly custody?: Custody
  /** Shares that members decided on and that are not made yet. */
  readonly sharing?: Sharing
  readonly rotation?: RootRotation
  readonly governance: Governance
  /** What members can vote on, by identifier. */
  readonly proposals: ReadonlyMap<Digest, OpenProposal>
  /** The next epoch, written down before the log is asked to take it. */
  readonly pending?: { epoch: Epoch; policy: Digest }
}
