import type { Evidence } from '../keyrelease/admission.ts'
import type { Digest, Ed25519Key, LoggedStatement, PublishedKey, UnixSeconds } from '../keyrelease/types.ts'

/** DSSE payload type of a {@link HandoverReceipt}. */
export const HANDOVER_RECEIPT_TYPE = 'application/vnd.sotto.handover-receipt+json'

/** Types of what is hashed or wrapped and never signed as a document of its own. */
export const HANDOVER_CONTEXTS = {
  binding: 'application/vnd.sotto.binding.kms-handover+json',
  wrap: 'application/vnd.sotto.handover-wrap+json',
} as const

/**
 * What the evidence of a KMS that is to take over binds. A type of its own: neither an enclave's evidence nor that of
 * a running KMS can stand in for it.
 */
export interface HandoverBinding {
  version: 1
  genesis: Digest
  /** X-Wing public key of this one handover, base64url: what is handed over is wrapped to it and nothing else. */
  wrapKey: string
  /** Statement key of the boot that takes over: the next certificate in the log is of this key. */
  statementKey: Ed25519Key
  /** `checkpointDigest` of the witnessed note: proves the evidence is younger (T6). */
  checkpoint: Digest
}

/** `POST /v1/handover`. Everything in it is the sender's claim until the evidence verifies. */
export interface HandoverRequest {
  evidence: Evidence
  binding: HandoverBinding
  /** The signed note whose digest the binding holds, with witness cosignatures. */
  checkpoint: string
}

/** Answer of `POST /v1/handover`. */
export interface HandoverResponse {
  /** The {@link HandoverReceipt}, logged before this leaves. */
  receipt: LoggedStatement
  /** HPKE (X-Wing, HKDF-SHA256, AES-256-GCM) encapsulation to `binding.wrapKey`. */
  enc: string
  /** Sealed canonical JSON {@link HandedOver}. HPKE info: see `handoverInfo`. */
  wrapped: string
}

/** A request key with its private half. */
export interface HandedKey extends PublishedKey {
  /** From then on the private half must not exist. */
  destroyAt: UnixSeconds
  /** Raw private key of the configuration's KEM. */
  privateKey: string
}

/** What lives in the memory of a KMS and nowhere else: plaintext of {@link HandoverResponse.wrapped}. */
export interface HandedOver {
  version: 1
  /** 32 bytes. */
  rootSecret: string
  /** 1 for that of the genesis. */
  generation: number
  /** Those of the published set that are still alive; none is possible. */
  keys: HandedKey[]
}

/** The old KMS's record of a handover (T15): which machine takes over what, and from which boot to which. */
export interface HandoverReceipt {
  version: 1
  genesis: Digest
  /** The key-release policy that admitted it, and by which tuple of role kms. */
  policy: Digest
  tuple: string
  /** `evidenceDigest` of what was judged. */
  evidence: Digest
  /** The chip of each piece, `family id`; the family alone where its evidence names none. */
  hardware: string[]
  /** Statement key that signs this. */
  fromKey: Ed25519Key
  /** Statement key of the boot that takes over. */
  toKey: Ed25519Key
  /** Security versions of their releases; never decreasing. */
  fromSecurityVersion: number
  toSecurityVersion: number
  /** Generation of the root secret. */
  generation: number
  keyIds: number[]
  issuedAt: UnixSeconds
}
