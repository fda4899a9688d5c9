import type { Digest, LoggedStatement } from '../keyrelease/types.ts'
import type { MerkleProof, TrustBundle } from '../evidence/types.ts'

/**
 * What the enclave signs for every complete answer (T16). Digests are salted: without the salt
 * they say nothing about a short prompt. There is no receipt on a cut stream.
 */
export interface InferenceReceipt {
  version: 1
  genesis: Digest
  /** `requestDigest(salt, …)`: method, path, content type and body as the client sent them. */
  request: Digest
  /** `responseDigest(salt, …)`: status, content type and body as the client received them. */
  response: Digest
  /** Digest of the model's manifest; 64 zeros when no model answered. */
  model: Digest
  keyId: number
  policy: Digest
  /** SHA-256 of the enclave's report. */
  evidence: Digest
  /** "After checkpoint N": the newest witnessed tree this enclave had seen. Hardware has no clock. */
  after: { size: number; root: Digest }
}

/** Trailer `sotto-receipt`: base64url of this canonical JSON. */
export interface ReceiptTrailer {
  /** Canonical DSSE envelope of an {@link InferenceReceipt}. */
  envelope: string
  /** 32 bytes; kept by the client, needed to check the digests. */
  salt: string
}

/**
 * Inner `GET /sotto/receipt-certificate?evidence=…`: proves that the receipt key was certified and
 * logged by the release to this evidence; without a query, by the newest.
 */
export interface ReceiptCertificate {
  /** The logged ReleaseReceipt. */
  release: LoggedStatement & { proof: MerkleProof }
  certificate: LoggedStatement & { proof: MerkleProof }
  genesis: LoggedStatement & { proof: MerkleProof }
  /** Successions from the root key of the genesis to the one behind `certificate`; absent: none. */
  roots?: (LoggedStatement & { proof: MerkleProof })[]
  checkpoint: string
}

/** A receipt with all that is needed to verify it offline, years later. */
export interface SavedReceipt {
  version: 1
  envelope: string
  salt: string
  certificate: ReceiptCertificate
  /**
   * The bundle by which the client judged the service before it sent the request: evidence of the KMS with its collateral,
   * release statements and the key-release policy, with proofs. Absent: the KMS's signature can be verified, and not what
   * hardware and code made it.
   */
  trust?: TrustBundle
}
