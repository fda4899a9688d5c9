import { receiptCertificateDecoder, type ReceiptCertificate } from '../receipts/index.ts'
import {
  canonicalJson,
  hex,
  integer,
  list,
  literal,
  object,
  parseCanonicalJson,
  text,
  type Decoder,
} from '../jcs/index.ts'
import { MAX_ENVELOPE_CHARACTERS } from '../keyrelease/decode.ts'
import type { Digest, UnixSeconds } from '../keyrelease/index.ts'

/** DSSE payload type of a {@link UsageStatement}. */
export const USAGE_PAYLOAD_TYPE = 'application/vnd.sotto.usage+json'

/** Most models one statement counts; an enclave serves at most 64. */
const MAX_MODELS = 64

/** What one model did since its enclave started. No content, no client, no single request. */
export interface ModelUsage {
  /** Digest of the model's manifest, as in its inference receipts. */
  model: Digest
  /** Requests that a model began to answer. */
  requests: number
  /** Whole seconds of audio that were transcribed to their end, rounded up per request. */
  audioSeconds: number
  inputTokens: number
  outputTokens: number
}

/**
 * What an enclave has done since it started, signed by its certified receipt key: what an operator bills by
 * without looking. Counts only grow; of two statements of one `receiptKey` the later contains the earlier.
 */
export interface UsageStatement {
  version: 1
  genesis: Digest
  /** The release the signing key was certified by, when this was signed. */
  evidence: Digest
  /** 1 for the first statement of this boot. */
  sequence: number
  /** By the enclave's clock, which its host sets: for orientation, not proven. */
  startedAt: UnixSeconds
  issuedAt: UnixSeconds
  /** One per model that answered, ordered by digest; at most 64. */
  models: ModelUsage[]
}

/** A statement with everything needed to verify it offline. */
export interface SavedUsage {
  version: 1
  /** Canonical DSSE envelope of a {@link UsageStatement}. */
  envelope: string
  certificate: ReceiptCertificate
}

const count = integer(0)

export const usageStatementDecoder: Decoder<UsageStatement> = object({
  version: literal(1),
  genesis: hex(32),
  evidence: hex(32),
  sequence: integer(1),
  startedAt: count,
  issuedAt: count,
  models: list(
    object({ model: hex(32), requests: count, audioSeconds: count, inputTokens: count, outputTokens: count }),
    0,
    MAX_MODELS,
  ),
})

const savedUsageDecoder: Decoder<SavedUsage> = object({
  version: literal(1),
  envelope: text(MAX_ENVELOPE_CHARACTERS),
  certificate: receiptCertificateDecoder,
})

/** Structure of a saved usage statement: canonical JSON, at most 512 KiB. @throws `JCS_MALFORMED`, `JCS_FIELD` */
export function parseSavedUsage(bytes: Uint8Array): SavedUsage {
  return savedUsageDecoder(parseCanonicalJson(bytes, { maxBytes: 524_288 }), 'usage')
}

/** The canonical bytes of a saved usage statement. */
export function encodeSavedUsage(saved: SavedUsage): Uint8Array {
  return canonicalJson(saved)
}
