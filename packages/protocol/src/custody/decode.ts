import {
  areDistinct,
  base64url,
  boolean,
  hex,
  integer,
  label,
  list,
  literal,
  object,
  refine,
  type Decoder,
} from '../jcs/index.ts'
import { evidenceDecoder, loggedStatementDecoder, noteText, wrapEnc, wrapKey } from '../keyrelease/decode.ts'
import { CUSTODIAN_KEY_BYTES } from './custodian-key.ts'
import { MAX_SHARES, MIN_THRESHOLD } from './shamir.ts'
import {
  MAX_SUCCESSIONS,
  type Custodian,
  type RecoveryBinding,
  type RecoveryReceipt,
  type RecoveryRequest,
  type RecoverySession,
  type RecoveryShare,
  type RootSuccession,
  type SealedShare,
  type ShareAcknowledgement,
  type SharesDocument,
  type ShareSet,
} from './types.ts'

/** Longest accepted answer of `GET /v1/recovery` and `GET /v1/shares`, bytes: statements, and evidence with its collateral. */
export const MAX_CUSTODY_ANSWER_BYTES: number = 4 * 1024 * 1024
/** Release statements of a KMS that a recovery shows. */
export const MAX_RECOVERY_RELEASES = 16

const digest = hex(32)
const ed25519Key = base64url(32)
const time = integer(1)
const name = label(64)
const generation = integer(1, 2 ** 31)
const index = integer(1, MAX_SHARES)
const enc = wrapEnc
const wrapped = base64url(48)
const nonce = base64url(32)
const recoveryKey = wrapKey
const statements = (max: number): Decoder<RecoveryRequest['roots']> => list(loggedStatementDecoder, 0, max)

/** Two to sixteen custodians, each named once and with a key of its own. */
export const custodianListDecoder: Decoder<Custodian[]> = refine(
  list(object({ name, key: base64url(CUSTODIAN_KEY_BYTES) }), MIN_THRESHOLD, MAX_SHARES),
  (custodians) => {
    if (!areDistinct(custodians.map((custodian) => custodian.name))) return 'a custodian stands twice'
    return areDistinct(custodians.map(({ key }) => key)) ? undefined : 'a custodian key stands twice'
  },
)

const sealedShare: Decoder<SealedShare> = object({
  custodian: name,
  key: digest,
  signingKey: ed25519Key,
  index,
  commitment: digest,
  enc,
  wrapped,
})

export const shareSetDecoder: Decoder<ShareSet> = refine(
  object({
    version: literal(1),
    genesis: digest,
    generation,
    rootKey: ed25519Key,
    threshold: integer(MIN_THRESHOLD, MAX_SHARES),
    shares: list(sealedShare, MIN_THRESHOLD, MAX_SHARES),
    createdAt: time,
  }),
  findShareSetContradiction,
)

/** Says what contradicts itself in a share set, or nothing. */
function findShareSetContradiction({ threshold, shares }: ShareSet): string | undefined {
  if (threshold > shares.length) return 'threshold is larger than the number of shares'
  if (shares.some((share, n) => share.index !== n + 1)) return 'indexes do not count from 1'
  if (!areDistinct(shares.map(({ custodian }) => custodian))) return 'a custodian stands twice'
  if (!areDistinct(shares.map(({ key }) => key))) return 'a custodian key stands twice'
  if (!areDistinct(shares.map(({ signingKey }) => signingKey))) return 'a signing key stands twice'
  return areDistinct(shares.map(({ commitment }) => commitment)) ? undefined : 'a commitment stands twice'
}

export const shareAcknowledgementDecoder: Decoder<ShareAcknowledgement> = object({
  version: literal(1),
  genesis: digest,
  generation,
  index,
  shareSet: digest,
})

export const rootSuccessionDecoder: Decoder<RootSuccession> = refine(
  object({
    version: literal(1),
    genesis: digest,
    sequence: integer(1, MAX_SUCCESSIONS),
    previousKey: ed25519Key,
    rootKey: ed25519Key,
    createdAt: time,
  }),
  ({ previousKey, rootKey }) => (previousKey === rootKey ? 'a key does not follow itself' : undefined),
)

export const recoverySessionDecoder: Decoder<RecoverySession> = object({
  version: literal(1),
  genesis: digest,
  recoveryKey,
  nonce,
})

const recoveryBindingDecoder: Decoder<RecoveryBinding> = object({
  version: literal(1),
  genesis: digest,
  recoveryKey,
  nonce,
  checkpoint: digest,
})

export const recoveryRequestDecoder: Decoder<RecoveryRequest> = object({
  genesis: loggedStatementDecoder,
  roots: statements(MAX_SUCCESSIONS),
  certificate: loggedStatementDecoder,
  shareSet: loggedStatementDecoder,
  session: loggedStatementDecoder,
  releases: statements(MAX_RECOVERY_RELEASES),
  evidence: evidenceDecoder,
  binding: recoveryBindingDecoder,
  boundCheckpoint: noteText,
  received: list(index, 0, MAX_SHARES),
})

export const recoveryShareDecoder: Decoder<RecoveryShare> = object({
  version: literal(1),
  genesis: digest,
  generation,
  index,
  nonce,
  forgetStore: boolean(),
  enc,
  wrapped,
})

export const recoveryReceiptDecoder: Decoder<RecoveryReceipt> = refine(
  object({
    version: literal(1),
    genesis: digest,
    generation,
    nonce,
    indexes: list(index, MIN_THRESHOLD, MAX_SHARES),
    forgotStore: boolean(),
    recoveredAt: time,
  }),
  ({ indexes }) => (areDistinct(indexes) ? undefined : 'an index stands twice'),
)

export const sharesDocumentDecoder: Decoder<SharesDocument> = object({
  genesis: loggedStatementDecoder,
  roots: statements(MAX_SUCCESSIONS),
  certificate: loggedStatementDecoder,
  shareSet: loggedStatementDecoder,
  acknowledgements: statements(MAX_SHARES),
})
