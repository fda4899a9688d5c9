import {
  base64url,
  areDistinct,
  boolean,
  hex,
  integer,
  type Decoder,
  list,
  literal,
  members,
  object,
  oneOf,
  refine,
  text,
} from '../jcs/index.ts'
import { MAX_OWNED_ARTIFACTS } from '../governance/types.ts'
import { loggedStatementDecoder } from '../keyrelease/index.ts'
import { MODEL_TASKS } from '../model-manifest/index.ts'
import { MAX_MODEL_VERSION, MODEL_NAME } from './name.ts'
import type {
  KeysReceipt,
  LoggedModelDocument,
  ModelList,
  ModelPublication,
  ModelRemoval,
  ModelStatement,
  ModelWithdrawal,
  ModelWithdrawn,
  UploadIntent,
  UploadState,
} from './types.ts'

/** Largest sealed file: 4 TiB of content with what sealing adds, as `sealed/` bounds it. */
export const MAX_SEALED_BYTES: number = 2 ** 43
/** Most models on one page of a list. */
export const MAX_LISTED_MODELS = 64
/** Longest list: that many envelopes of owners, which have less than 2 KiB each. */
export const MAX_LIST_BYTES: number = MAX_LISTED_MODELS * 4096
/** Longest logged document: an envelope, a proof and a note. */
export const MAX_LOGGED_BYTES = 65_536
/** Longest publication: two envelopes; an import carries a whole policy. */
export const MAX_PUBLICATION_BYTES = 262_144
/** Longest withdrawal: one envelope of an owner. */
export const MAX_WITHDRAWAL_BYTES = 8192
/** Most artifacts in one receipt: as many as a KMS holds. They fit an envelope, which has 64 KiB. */
export const MAX_RECEIPT_ARTIFACTS: number = MAX_OWNED_ARTIFACTS
/** Longest answer to a withdrawal: such an envelope, and a logged document. */
export const MAX_WITHDRAWN_BYTES: number = 2 * 65_536
/** Most bytes of an upload in one request. */
export const MAX_UPLOAD_PART_BYTES: number = 32 * 1024 * 1024

const MAX_OWNER_ENVELOPE = 4096
const MAX_IMPORT_ENVELOPE = 131_072
const MAX_NOTE_CHARACTERS = 16_384

const digest = hex(32)
const owner = base64url(32)
const name = text(63, MODEL_NAME)
const version = integer(1, MAX_MODEL_VERSION)
const time = integer(1)
/** At least a header and one tag. */
const sealedSize = integer(100, MAX_SEALED_BYTES)
const envelope = text(MAX_OWNER_ENVELOPE)
const proof = list(hex(32), 0, 54)
const note = text(MAX_NOTE_CHARACTERS, /^[\n\P{Cc}]+$/u)

export const modelStatementDecoder: Decoder<ModelStatement> = refine(
  members<ModelStatement>(
    {
      format: literal('sotto-model-statement/1'),
      genesis: digest,
      owner,
      name,
      version,
      artifact: hex(16),
      digest,
      bytes: sealedSize,
      model: digest,
      task: oneOf(...MODEL_TASKS),
      policy: digest,
      createdAt: time,
    },
    { expiresAt: time },
  ),
  ({ createdAt, expiresAt }) =>
    expiresAt !== undefined && expiresAt <= createdAt ? 'it is never served' : undefined,
)

export const modelRemovalDecoder: Decoder<ModelRemoval> = object({
  format: literal('sotto-model-removal/1'),
  genesis: digest,
  owner,
  name,
  version: (value, path) => (value === 'all' ? 'all' : version(value, path)),
  createdAt: time,
})

export const uploadIntentDecoder: Decoder<UploadIntent> = object({
  format: literal('sotto-model-upload/1'),
  genesis: digest,
  owner,
  digest,
  bytes: sealedSize,
  createdAt: time,
})

export const uploadStateDecoder: Decoder<UploadState> = refine(
  object({
    upload: hex(16),
    digest,
    bytes: sealedSize,
    offset: integer(0, MAX_SEALED_BYTES),
    complete: boolean(),
  }),
  ({ bytes, offset, complete }) => {
    if (offset > bytes) return 'more is stored than there is'
    return complete && offset < bytes ? 'it is not complete' : undefined
  },
)

export const loggedModelDocumentDecoder: Decoder<LoggedModelDocument> = object({
  envelope,
  index: integer(0),
  proof,
  checkpoint: note,
})

export const modelListDecoder: Decoder<ModelList> = members<ModelList>(
  { models: list(loggedStatementDecoder, 0, MAX_LISTED_MODELS) },
  { next: text(128, /^[a-z0-9._:-]+$/), highest: version },
)

export const modelPublicationDecoder: Decoder<ModelPublication> = object({
  statement: envelope,
  import: text(MAX_IMPORT_ENVELOPE),
})

export const modelWithdrawalDecoder: Decoder<ModelWithdrawal> = object({
  removal: envelope,
})

export const modelWithdrawnDecoder: Decoder<ModelWithdrawn> = members<ModelWithdrawn>(
  { receipt: text(65_535) },
  { logged: loggedModelDocumentDecoder },
)

const artifacts = list(hex(16), 0, MAX_RECEIPT_ARTIFACTS)

export const keysReceiptDecoder: Decoder<KeysReceipt> = refine(
  object({
    format: literal('sotto-model-keys-receipt/1'),
    genesis: digest,
    removal: digest,
    destroyed: artifacts,
    shared: artifacts,
    newer: artifacts,
    issuedAt: time,
  }),
  ({ destroyed, shared, newer }) => {
    const all = [...destroyed, ...shared, ...newer]
    if (all.length > MAX_RECEIPT_ARTIFACTS) return 'it names too many artifacts'
    return areDistinct(all) ? undefined : 'an artifact stands twice'
  },
)
