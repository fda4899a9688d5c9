/**
 * The documents of the chain of trust. Every one is canonical JSON (RFC 8785) signed in a DSSE
 * envelope; byte strings are unpadded base64url, digests are lower-case hexadecimal SHA-256 of the
 * canonical payload bytes, times are whole seconds since the Unix epoch.
 */
import type { DataUse } from '../data-use/index.ts'
import type { Component, Evidence, PolicyTuple, Role } from './admission.ts'
import type { ReleasedApp } from './app.ts'

/** DSSE payload types. The type is inside the signature, so no document can stand in for another. */
export const PAYLOAD_TYPES = {
  genesis: 'application/vnd.sotto.genesis+json',
  kmsCertificate: 'application/vnd.sotto.kms-certificate+json',
  release: 'application/vnd.in-toto+json',
  /** One entry of the members' history: see `governance/`. */
  governance: 'application/vnd.sotto.governance+json',
  /** What enough members accepted, with their ballots: see `governance/`. */
  decision: 'application/vnd.sotto.decision+json',
  keySet: 'application/vnd.sotto.key-set+json',
  releaseReceipt: 'application/vnd.sotto.release-receipt+json',
  inferenceReceipt: 'application/vnd.sotto.inference-receipt+json',
  artifactKeyImport: 'application/vnd.sotto.artifact-key-import+json',
  artifactKeyRemoval: 'application/vnd.sotto.artifact-key-removal+json',
} as const

/** Types of what evidence binds (not signed documents: the report's signature covers their hash). */
export const BINDING_TYPES = {
  kms: 'application/vnd.sotto.binding.kms+json',
  enclave: 'application/vnd.sotto.binding.enclave+json',
} as const

/** An Ed25519 public key, 32 bytes as base64url. */
export type Ed25519Key = string
/** A member's public key as base64url: 32 bytes are Ed25519, 65 bytes an uncompressed P-256 point (SEC 1). */
export type MemberKey = string
/** SHA-256 as 64 lower-case hexadecimal characters. */
export type Digest = string
/** Seconds since the Unix epoch. */
export type UnixSeconds = number

/** Somebody who may propose, vote and hold. */
export interface Member {
  /** For people, 1-64 characters, unique. */
  name: string
  key: MemberKey
}

/** How long request keys live, in seconds. */
export interface RotationPolicy {
  /** From `notBefore` to `notAfter`: 10 to 86400 (T4). */
  rotationSeconds: number
  /** How long before the newest key's `notAfter` the next one is published. At least 1, at most half of its life. */
  overlapSeconds: number
  /** How long after `notAfter` workloads still hold a key, for requests under way and slow clocks: 1 to 3600. */
  graceSeconds: number
}

/**
 * What makes one KMS *the* KMS (T1): clients and enclaves pin the SHA-256 of this document's
 * canonical bytes. A second genuine KMS of the same operator has another genesis and is refused.
 */
export interface Genesis {
  version: 1
  /** Human name of the deployment, 1-64 characters. Not a security value. */
  name: string
  /** Signs this document and every {@link KmsCertificate}; generated inside the KMS. */
  rootKey: Ed25519Key
  /** Who decides, and how many of them it takes until they decide otherwise: 1-16, see `governance/`. */
  members: Member[]
  threshold: number
  /** Keys whose release statements this KMS accepts when a policy is proposed. */
  releaseKeys: Ed25519Key[]
  rotation: RotationPolicy
  log: { origin: string; /** note verifier key, C2SP signed-note */ key: string }
  /** Witness verifier keys (C2SP) and how many cosignatures a checkpoint needs. */
  witnesses: { keys: string[]; quorum: number }
  createdAt: UnixSeconds
}

/** The KMS's statement key of one boot, certified by the genesis root key. */
export interface KmsCertificate {
  version: 1
  genesis: Digest
  signingKey: Ed25519Key
  notBefore: UnixSeconds
  notAfter: UnixSeconds
}

/** Predicate type of our in-toto release statements. */
export const RELEASE_PREDICATE = 'https://sotto.dev/attestation/release/v1'

/**
 * in-toto Statement v1: "this measurement, with this configuration, is release X of role Y".
 * `subject[0]` is the image (digest = SHA-256 of its manifest), `subject[1]` the configuration
 * file (digest = its SHA-256), which hardware reports where it has a field for it: HOST_DATA, MRCONFIGID.
 */
export interface ReleaseStatement {
  _type: 'https://in-toto.io/Statement/v1'
  subject: [
    { name: 'image'; digest: { sha256: Digest } },
    { name: 'configuration'; digest: { sha256: Digest } },
  ]
  predicateType: typeof RELEASE_PREDICATE
  predicate: {
    role: Role
    version: string
    /** Never decreases from release to release of one role. */
    securityVersion: number
    /**
     * What evidence of this release says on one platform: a component with the members that pin program and
     * configuration, and no other. Where the platform reports the configuration, it is that of `subject[1]`.
     */
    evidence: Component
    /** What it does with content (T20). Absent: nothing is declared. */
    dataUse?: DataUse
    /** The app that runs beside its models and gets requests in clear. Absent: none runs; a KMS never has one. */
    app?: ReleasedApp
    createdAt: UnixSeconds
  }
}

/**
 * Who may hold a private key: public, and accepted by a logged decision of the members (`governance/`).
 * A key's policy never changes: another policy means another key (T2).
 */
export interface KeyReleasePolicy {
  version: 1
  genesis: Digest
  /** 1-16 tuples; one satisfied tuple admits. Software and hardware never share a policy (T10). */
  anyOf: PolicyTuple[]
  /** Evidence older than this (by its bound checkpoint) is refused. At most 86400. */
  evidenceMaxAgeSeconds: number
  /** Since the vendor issued TCB information and identities, at most 366 days. Absent: as long as each says itself. */
  collateralMaxAgeSeconds?: number
  /** Since the vendor issued revocation lists and answers, which must then be there; at most 366 days. */
  revocationMaxAgeSeconds?: number
  createdAt: UnixSeconds
}

/** One request key: an RFC 9458 key configuration (one KEM, its symmetric suites). */
export interface PublishedKey {
  /** RFC 9458 key identifier, 0-255; never reused while any key set with it may be cached. */
  keyId: number
  /** RFC 9458 Section 3.1 key configuration bytes, without a length prefix. */
  config: string
  /** SHA-256 of the canonical {@link KeyReleasePolicy}. */
  policy: Digest
  notBefore: UnixSeconds
  /** The gateway refuses requests after this instant. */
  notAfter: UnixSeconds
}

/**
 * The whole set of request keys of one epoch, in one log entry (T3). Clients use whole sets only:
 * there is no way to hand one person a private key.
 */
export interface KeySet {
  version: 1
  genesis: Digest
  epoch: number
  /** Digest of the previous epoch's set; 64 zeros for the first. */
  previous: Digest
  /** Digest of the constitution in force; of the genesis until members accepted another (`governance/`). */
  constitution: Digest
  keys: PublishedKey[]
  issuedAt: UnixSeconds
}

/** A signed document and where the log holds it. */
export interface LoggedStatement {
  /** Canonical DSSE envelope JSON; exactly these bytes are the log entry. */
  envelope: string
  index: number
}

/** What a KMS report binds in REPORT_DATA (see `bindReportData`). */
export interface KmsBinding {
  version: 1
  genesis: Digest
  signingKey: Ed25519Key
  /** X-Wing public key of this boot, base64url: owners wrap artifact content keys to it. */
  importKey: string
  /** `checkpointDigest` of the witnessed note, cosignatures included: proves the report is younger (T6). */
  checkpoint: Digest
  /** What an auditor asked this evidence for, 16 to 64 bytes, base64url. Absent in the evidence that everybody gets. */
  nonce?: string
}

/** What an enclave's report binds. */
export interface EnclaveBinding {
  version: 1
  genesis: Digest
  /** X-Wing public key of one release; its keys are wrapped to it and nothing else. */
  wrapKey: string
  /** Ed25519 key that will sign inference receipts. */
  receiptKey: Ed25519Key
  checkpoint: Digest
}

/** `POST /v1/release` request. Everything in it is the enclave's claim until the evidence verifies. */
export interface ReleaseRequest {
  evidence: Evidence
  binding: EnclaveBinding
  /** The signed note whose hash the binding holds, with witness cosignatures. */
  checkpoint: string
  /** Sealed artifacts whose content keys are wanted too: at most 64 distinct ids. */
  artifacts: ArtifactId[]
}

/** `POST /v1/release` response. */
export interface ReleaseResponse {
  /** The current key set: which keys are in `wrapped`. */
  keySet: LoggedStatement
  /** The decision by which members accepted the key-release policy. */
  policy: LoggedStatement
  receipt: LoggedStatement
  /** HPKE (X-Wing, HKDF-SHA256, AES-256-GCM) encapsulation to `binding.wrapKey`. */
  enc: string
  /** Sealed canonical JSON {@link ReleasedKeys}. HPKE info: see `releaseInfo`. */
  wrapped: string
}

/** Plaintext of {@link ReleaseResponse.wrapped}. */
export interface ReleasedKeys {
  keys: { keyId: number; /** raw private key of the configuration's KEM */ privateKey: string }[]
  /** Only ids the evidence is admitted to; the rest of the request is refused with them. */
  artifacts: { id: ArtifactId; /** 32 bytes */ contentKey: string }[]
}

/** Random identifier of a sealed artifact: 32 lower-case hexadecimal characters (see `sealed/`). */
export type ArtifactId = string

/**
 * The KMS's record of one release, logged before the enclave serves: which chip got which keys
 * under which tuple, and the certified receipt key (T4, T16).
 */
export interface ReleaseReceipt {
  version: 1
  genesis: Digest
  epoch: number
  keyIds: number[]
  policy: Digest
  tuple: string
  /** `evidenceDigest` of what was judged. */
  evidence: Digest
  /** The chip of each piece, `family id`; the family alone where its evidence names none. */
  hardware: string[]
  receiptKey: Ed25519Key
  /**
   * Content keys that went with it, the owner of each and the policy by which they let it go: at most 64. Missing
   * where none did.
   */
  artifacts?: { id: ArtifactId; owner: Ed25519Key; policy: Digest }[]
  issuedAt: UnixSeconds
  notAfter: UnixSeconds
}
