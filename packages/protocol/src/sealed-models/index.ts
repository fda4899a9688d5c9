export {
  loggedModelDocumentDecoder,
  MAX_KEY_REMOVALS,
  MAX_LIST_BYTES,
  MAX_LISTED_MODELS,
  MAX_LOGGED_BYTES,
  MAX_PUBLICATION_BYTES,
  MAX_SEALED_BYTES,
  MAX_UPLOAD_PART_BYTES,
  MAX_WITHDRAWAL_BYTES,
  modelListDecoder,
  modelPublicationDecoder,
  modelRemovalDecoder,
  modelStatementDecoder,
  modelWithdrawalDecoder,
  uploadIntentDecoder,
  uploadStateDecoder,
} from './decode.ts'
export {
  isRemovedBy,
  type ModelReader,
  type OwnerDocuments,
  requireAskedFor,
  signOwnerDocument,
  verifyLoggedDocument,
  verifyOwnerDocument,
} from './documents.ts'
export { sealedModelError, type SealedModelErrorCode } from './errors.ts'
export {
  formatModelName,
  isModelName,
  MAX_MODEL_VERSION,
  MODEL_NAME,
  type ModelName,
  OWNER_TAG,
  ownerTag,
  parseModelName,
} from './name.ts'
export {
  type LoggedModelDocument,
  MODEL_TYPES,
  type ModelList,
  type ModelPublication,
  type ModelRemoval,
  type ModelStatement,
  type ModelWithdrawal,
  type UploadIntent,
  type UploadState,
} from './types.ts'
