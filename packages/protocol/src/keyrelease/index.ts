export {
  EVIDENCE_FAMILIES,
  type AdmissionTuple,
  type Component,
  type Evidence,
  type EvidenceFamily,
  type EvidencePiece,
  type PolicyTuple,
  type Role,
  type Window,
} from './admission.ts'
export { describeApp, isSameApp, releasedAppDecoder, type ReleasedApp } from './app.ts'
export {
  artifactKeyImportDecoder,
  artifactKeyRemovalDecoder,
  type ArtifactKeyImport,
  type ArtifactKeyRemoval,
  type ModelVersion,
} from './artifact-keys.ts'
export {
  BINDING_TYPES,
  PAYLOAD_TYPES,
  RELEASE_PREDICATE,
  type ArtifactId,
  type Digest,
  type Ed25519Key,
  type EnclaveBinding,
  type Genesis,
  type KeyReleasePolicy,
  type KeySet,
  type KmsBinding,
  type KmsCertificate,
  type LoggedStatement,
  type Member,
  type MemberKey,
  type PublishedKey,
  type ReleasedKeys,
  type ReleaseReceipt,
  type ReleaseRequest,
  type ReleaseResponse,
  type ReleaseStatement,
  type RotationPolicy,
  type UnixSeconds,
} from './types.ts'
export { NONCE_RATE, nonceDecoder, nonceOf } from './nonce.ts'
export {
  FIRST_EPOCH,
  MAX_GRACE_SECONDS,
  MAX_KEY_LIFETIME_SECONDS,
  NO_PREVIOUS_KEY_SET,
} from './consistency.ts'
export {
  enclaveBindingDecoder,
  evidenceDecoder,
  genesisDecoder,
  keySetDecoder,
  kmsBindingDecoder,
  kmsCertificateDecoder,
  loggedStatementDecoder,
  MAX_RELEASE_RESPONSE_BYTES,
  releasedKeysDecoder,
  releaseReceiptDecoder,
  releaseRequestDecoder,
  releaseResponseDecoder,
  releaseStatementDecoder,
} from './decode.ts'
export {
  artifactImportInfo,
  bindReportData,
  decodeDocument,
  documentDigest,
  encodeDocument,
  evidenceDigest,
  parseKeyReleasePolicy,
  releaseInfo,
  type KeyReleaseErrorCode,
} from './documents.ts'
export { MAX_MEMBERS } from './members.ts'
export { COLLATERAL_FILE_LIMITS, EVIDENCE_LIMITS } from './limits.ts'
export { unwrapSecret, WRAP_SUITE, wrapSecret, type WrappedSecret } from './wrap.ts'
