/**
 * OpenSSF Model Signing: a Sigstore bundle v0.3 whose DSSE envelope holds an in-toto statement that names every
 * file of a model with its digest (github.com/ossf/model-signing-spec, sigstore/model-transparency v1.0 to v1.1).
 */

/** Media type of the bundle. */
export const BUNDLE_MEDIA_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json'
/** DSSE payload type and in-toto types. */
export const OMS_PAYLOAD_TYPE = 'application/vnd.in-toto+json'
export const OMS_STATEMENT_TYPE = 'https://in-toto.io/Statement/v1'
export const OMS_PREDICATE = 'https://model_signing/signature/v1.0'

/** Longest certificate; those that occur have 1 to 3 kB. */
export const MAX_CERTIFICATE_BYTES = 16_384
/** DER of an ECDSA signature on P-521. */
export const MAX_SIGNATURE_BYTES = 141

/** Name of a hash as `serialization.hash_type` has it; the BLAKE2b digest has 64 bytes. */
export type OmsHash = 'sha256' | 'blake2b'

/** How a model becomes resources. */
export interface OmsSerialization {
  method: 'files' | 'shards'
  hash: OmsHash
  /** Bytes of a shard, with `shards` only. */
  shardSize?: number
  /** Whether links to files stand for what they point to; otherwise a model has none. */
  allowSymlinks: boolean
  /** Files, and folders with all that is in them, that are no part of the model. */
  ignorePaths: readonly string[]
}

/** One file, or a part of it. */
export interface OmsResource {
  /** Relative to the model, with `/`: safe to join, and no other resource has it in another spelling. */
  path: string
  /** Bytes `start` (included) to `end` (excluded), with `shards` only. */
  shard?: { start: number; end: number }
  /** Lower-case hexadecimal. */
  digest: string
}

/** What is signed of a model. */
export interface OmsStatement {
  /** For people: the name of the folder when it was signed. */
  name: string
  /** SHA-256 over the digests of all resources in their order, hexadecimal: names the model as a whole. */
  digest: string
  serialization: OmsSerialization
  resources: readonly OmsResource[]
}

/** How the signer says who it is. Claims until something pinned confirms them. */
export type OmsMaterial =
  /** `hint`: SHA-256 of the public key's PEM text, hexadecimal; absent before v1.1. */
  | { kind: 'key'; hint: string | undefined }
  /** DER, signer first. */
  | { kind: 'certificates'; chain: readonly Uint8Array[] }
  /** A certificate of Fulcio and entries of Rekor, as JSON has them: `verifyOmsKeyless` reads them. */
  | { kind: 'keyless'; certificate: Uint8Array; logEntries: readonly unknown[] }

/** A structurally valid bundle; nothing about its signature is known. */
export interface OmsBundle {
  material: OmsMaterial
  payload: Uint8Array
  /** ECDSA-Sig-Value, DER. */
  signature: Uint8Array
}
