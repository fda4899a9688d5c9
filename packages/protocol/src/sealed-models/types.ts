/**
 * What owners of models sign, and what a registry answers. An owner is an Ed25519 key; everything an owner decides is
 * canonical JSON in a DSSE envelope of a type of its own, and statement and removal are entries of the log.
 */
import type { MerkleProof } from '../evidence/types.ts'
import type { ArtifactId, Digest, Ed25519Key, LoggedStatement, UnixSeconds } from '../keyrelease/types.ts'
import type { ModelTask } from '../model-manifest/index.ts'

/** DSSE payload types of owners' documents. */
export const MODEL_TYPES = {
  statement: 'application/vnd.sotto.model+json',
  removal: 'application/vnd.sotto.model-removal+json',
  upload: 'application/vnd.sotto.model-upload+json',
} as const

/** "This sealed file is version `version` of my model `name`": a log entry. */
export interface ModelStatement {
  format: 'sotto-model-statement/1'
  /** The deployment it is meant for; nobody else serves it. */
  genesis: Digest
  owner: Ed25519Key
  /** See `MODEL_NAME`; unique for this owner only. */
  name: string
  /** 1 to 2^31. The highest one is what `<tag>/<name>` means. */
  version: number
  /** Identifier in the sealed header: which content key opens it. */
  artifact: ArtifactId
  /** SHA-256 of the sealed file. */
  digest: Digest
  /** Bytes of the sealed file. */
  bytes: number
  /** Digest of the model inside (`model-manifest`): what receipts quote. */
  model: Digest
  task: ModelTask
  /** `documentDigest` of the owner's own key-release policy. */
  policy: Digest
  createdAt: UnixSeconds
  /** From then on nobody serves it, and the registry deletes it. Absent: kept until it is removed. */
  expiresAt?: UnixSeconds
}

/** "This version, or all of them, is never served again": a log entry. */
export interface ModelRemoval {
  format: 'sotto-model-removal/1'
  genesis: Digest
  owner: Ed25519Key
  name: string
  version: number | 'all'
  /** Covers statements made until then, whoever puts them back. */
  createdAt: UnixSeconds
}

/** "I am going to upload these bytes": opens an upload, proves nothing else, and is no log entry. */
export interface UploadIntent {
  format: 'sotto-model-upload/1'
  genesis: Digest
  owner: Ed25519Key
  /** SHA-256 of the sealed file. */
  digest: Digest
  bytes: number
  createdAt: UnixSeconds
}

/** How far an upload is. */
export interface UploadState {
  /** 32 hexadecimal characters; whoever knows it may append. */
  upload: string
  digest: Digest
  bytes: number
  /** Bytes that are safely stored: where the next part begins. */
  offset: number
  /** All bytes are there and have the digest. */
  complete: boolean
}

/** An owner's document with the proof that it is in the log, as of the checkpoint when it was appended. */
export interface LoggedModelDocument extends LoggedStatement {
  proof: MerkleProof
  /** Signed note with witness cosignatures. */
  checkpoint: string
}

/** Models of one owner: each version that is served, by name and version. */
export interface ModelList {
  models: LoggedStatement[]
  /** Where the next page begins: `after` of the next request. Absent on the last page. */
  next?: string
  /** Only where one name was asked for: its highest version so far, whether it is still served or not. */
  highest?: number
}

/** Body of `PUT /v1/sealed-models/{tag}/{name}` inside the encryption. */
export interface ModelPublication {
  /** Envelope of a {@link ModelStatement}. */
  statement: string
  /** Envelope of an `ArtifactKeyImport`. */
  import: string
}

/** Body of `DELETE /v1/sealed-models/{tag}/{name}` inside the encryption: KMS and registry get the same document. */
export interface ModelWithdrawal {
  /** Envelope of a {@link ModelRemoval}. */
  removal: string
}

/** Its answer. */
export interface ModelWithdrawn {
  /** Envelope of a {@link KeysReceipt}. */
  receipt: string
  /** The removal in the log. Absent where the registry has no such model, or none any more. */
  logged?: LoggedModelDocument
}

/** DSSE payload type of a {@link KeysReceipt}: between KMS and owner, no log entry. */
export const KEYS_RECEIPT_TYPE = 'application/vnd.sotto.model-keys-receipt+json'

/**
 * What a KMS did with the content keys of a model at its owner's word, signed with the statement key that its evidence
 * binds. Which keys those are, the KMS knows from what the owner signed when they were imported: nobody between the two
 * chooses.
 */
export interface KeysReceipt {
  format: 'sotto-model-keys-receipt/1'
  genesis: Digest
  /** SHA-256 of the removal's envelope. */
  removal: Digest
  /** Artifacts of what is removed whose keys are gone, by this removal or by one before. */
  destroyed: ArtifactId[]
  /** Artifacts of what is removed that another version of the owner's, which is not, is made of too. */
  shared: ArtifactId[]
  /** Artifacts whose import was made after the removal, so that it does not cover them. */
  newer: ArtifactId[]
  issuedAt: UnixSeconds
}
