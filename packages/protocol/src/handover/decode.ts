import {
  areDistinct,
  base64url,
  hex,
  integer,
  label,
  list,
  literal,
  object,
  refine,
  type Decoder,
} from '../jcs/index.ts'
import {
  evidenceDecoder,
  loggedStatementDecoder,
  MAX_KEY_CONFIG_BYTES,
  MAX_KEYS_PER_SET,
  noteText,
  tupleName,
  wrapEnc,
  wrapKey,
} from '../keyrelease/decode.ts'
import { EVIDENCE_LIMITS } from '../keyrelease/limits.ts'
import type {
  HandedKey,
  HandedOver,
  HandoverBinding,
  HandoverReceipt,
  HandoverRequest,
  HandoverResponse,
} from './types.ts'

/** Canonical JSON of 64 keys of the longest kind with their secret, and the tag. */
const MAX_WRAPPED_BYTES = 262_144

/** Longest answer of `POST /v1/handover`, bytes: one envelope and what is wrapped. */
export const MAX_HANDOVER_ANSWER_BYTES = 524_288
/** Longest plaintext of it, bytes. */
export const MAX_HANDED_OVER_BYTES: number = MAX_WRAPPED_BYTES

const digest = hex(32)
const ed25519Key = base64url(32)
const time = integer(1)
const generation = integer(1, 2 ** 31)
const securityVersion = integer(0, 2 ** 31)
const keyId = integer(0, 255)

export const handoverBindingDecoder: Decoder<HandoverBinding> = object({
  version: literal(1),
  genesis: digest,
  wrapKey,
  statementKey: ed25519Key,
  checkpoint: digest,
})

export const handoverRequestDecoder: Decoder<HandoverRequest> = object({
  evidence: evidenceDecoder,
  binding: handoverBindingDecoder,
  checkpoint: noteText,
})

export const handoverResponseDecoder: Decoder<HandoverResponse> = object({
  receipt: loggedStatementDecoder,
  enc: wrapEnc,
  wrapped: base64url(16, MAX_WRAPPED_BYTES),
})

const handedKey: Decoder<HandedKey> = refine(
  object({
    keyId,
    config: base64url(8, MAX_KEY_CONFIG_BYTES),
    policy: digest,
    notBefore: time,
    notAfter: time,
    destroyAt: time,
    privateKey: base64url(32, 66),
  }),
  ({ notBefore, notAfter, destroyAt }) =>
    notBefore < notAfter && notAfter <= destroyAt ? undefined : 'its times are out of order',
)

export const handedOverDecoder: Decoder<HandedOver> = refine(
  object({
    version: literal(1),
    rootSecret: base64url(32),
    generation,
    keys: list(handedKey, 0, MAX_KEYS_PER_SET),
  }),
  ({ keys }) => (areDistinct(keys.map((key) => key.keyId)) ? undefined : 'a key identifier stands twice'),
)

export const handoverReceiptDecoder: Decoder<HandoverReceipt> = refine(
  object({
    version: literal(1),
    genesis: digest,
    policy: digest,
    tuple: tupleName,
    evidence: digest,
    hardware: list(label(256), 1, EVIDENCE_LIMITS.pieces),
    fromKey: ed25519Key,
    toKey: ed25519Key,
    fromSecurityVersion: securityVersion,
    toSecurityVersion: securityVersion,
    generation,
    keyIds: list(keyId, 0, MAX_KEYS_PER_SET),
    issuedAt: time,
  }),
  findReceiptContradiction,
)

/** Says what contradicts itself in a receipt, or nothing. */
function findReceiptContradiction(receipt: HandoverReceipt): string | undefined {
  if (receipt.fromKey === receipt.toKey) return 'a boot does not follow itself'
  if (receipt.toSecurityVersion < receipt.fromSecurityVersion) return 'the security version decreases'
  return areDistinct(receipt.keyIds) ? undefined : 'a key identifier stands twice'
}
