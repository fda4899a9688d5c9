import { base64url, hex, integer, list, literal, object, oneOf, text, type Decoder } from '../jcs/index.ts'
import {
  RELEASE_PREDICATE,
  type ArtifactKeyImport,
  type EnclaveBinding,
  type Evidence,
  type EvidenceFamily,
  type Genesis,
  type KeyReleasePolicy,
  type KeySet,
  type KmsBinding,
  type KmsCertificate,
  type LoggedStatement,
  type PolicyTuple,
  type PublishedKey,
  type ReleasedKeys,
  type ReleaseReceipt,
  type ReleaseRequest,
  type ReleaseResponse,
  type ReleaseStatement,
  type Role,
} from './types.ts'

/** X-Wing public keys and encapsulations (draft-connolly-cfrg-xwing-kem). */
const XWING_PUBLIC_KEY_BYTES = 1216
const XWING_ENC_BYTES = 1120
/** Largest RFC 9458 key configuration published: X-Wing's key with a few suites. */
const MAX_KEY_CONFIG_BYTES = 2048
const MAX_KEYS_PER_SET = 64
const MAX_TUPLES = 16
const MAX_NOTE_CHARACTERS = 16_384
export const MAX_ENVELOPE_CHARACTERS = 65_535

const label = text(64)
const digest = hex(32)
const ed25519Key = base64url(32)
const time = integer(1)
const noteKey = text(256)
export const noteText = text(MAX_NOTE_CHARACTERS)
const role = oneOf<Role>('kms', 'inference')
const family = oneOf<EvidenceFamily>('software', 'snp')

export const genesisDecoder: Decoder<Genesis> = object({
  version: literal(1),
  name: label,
  rootKey: ed25519Key,
  members: list(object({ name: label, key: ed25519Key }), 1, 64),
  threshold: integer(1, 64),
  releaseKeys: list(ed25519Key, 1, 16),
  log: object({ origin: text(256), key: noteKey }),
  witnesses: object({ keys: list(noteKey, 1, 32), quorum: integer(1, 32) }),
  createdAt: time,
})

export const kmsCertificateDecoder: Decoder<KmsCertificate> = object({
  version: literal(1),
  genesis: digest,
  signingKey: ed25519Key,
  notBefore: time,
  notAfter: time,
})

const subjectDigest = object({ sha256: digest })

/** in-toto's two subjects, in this order. */
const subjects: Decoder<ReleaseStatement['subject']> = (value, path) => {
  const [image, configuration] = list((item: unknown) => item, 2, 2)(value, path)
  return [
    object({ name: literal('image'), digest: subjectDigest })(image, `${path}[0]`),
    object({ name: literal('configuration'), digest: subjectDigest })(configuration, `${path}[1]`),
  ]
}

export const releaseStatementDecoder: Decoder<ReleaseStatement> = object({
  _type: literal('https://in-toto.io/Statement/v1'),
  subject: subjects,
  predicateType: literal(RELEASE_PREDICATE),
  predicate: object({
    role,
    version: label,
    securityVersion: integer(0, 2 ** 31),
    platform: family,
    createdAt: time,
  }),
})

const tuple: Decoder<PolicyTuple> = object({
  name: text(64, /^[a-z0-9.-]+$/),
  role,
  family,
  root: digest,
  measurement: hex(48),
  hostData: digest,
})

export const keyReleasePolicyDecoder: Decoder<KeyReleasePolicy> = object({
  version: literal(1),
  genesis: digest,
  anyOf: list(tuple, 1, MAX_TUPLES),
  evidenceMaxAgeSeconds: integer(1, 86_400),
  createdAt: time,
})

const publishedKey: Decoder<PublishedKey> = object({
  keyId: integer(0, 255),
  config: base64url(8, MAX_KEY_CONFIG_BYTES),
  policy: digest,
  notBefore: time,
  notAfter: time,
})

export const keySetDecoder: Decoder<KeySet> = object({
  version: literal(1),
  genesis: digest,
  epoch: integer(0),
  previous: digest,
  keys: list(publishedKey, 1, MAX_KEYS_PER_SET),
  issuedAt: time,
})

export const releaseReceiptDecoder: Decoder<ReleaseReceipt> = object({
  version: literal(1),
  genesis: digest,
  epoch: integer(0),
  keyIds: list(integer(0, 255), 1, MAX_KEYS_PER_SET),
  policy: digest,
  tuple: text(64),
  evidence: digest,
  chip: hex(64),
  receiptKey: ed25519Key,
  issuedAt: time,
  notAfter: time,
})

export const artifactId: Decoder<string> = hex(16)

export const artifactKeyImportDecoder: Decoder<ArtifactKeyImport> = object({
  version: literal(1),
  genesis: digest,
  artifact: artifactId,
  owner: ed25519Key,
  policy: digest,
  enc: base64url(XWING_ENC_BYTES),
  wrapped: base64url(48),
})

export const kmsBindingDecoder: Decoder<KmsBinding> = object({
  version: literal(1),
  genesis: digest,
  signingKey: ed25519Key,
  importKey: base64url(XWING_PUBLIC_KEY_BYTES),
  checkpoint: digest,
})

export const enclaveBindingDecoder: Decoder<EnclaveBinding> = object({
  version: literal(1),
  genesis: digest,
  wrapKey: base64url(XWING_PUBLIC_KEY_BYTES),
  receiptKey: ed25519Key,
  checkpoint: digest,
})

export const evidenceDecoder: Decoder<Evidence> = object({
  family,
  report: base64url(64, 16_384),
  chain: list(base64url(32, 8192), 1, 8),
})

export const loggedStatementDecoder: Decoder<LoggedStatement> = object({
  envelope: text(MAX_ENVELOPE_CHARACTERS),
  index: integer(0),
})

export const releaseRequestDecoder: Decoder<ReleaseRequest> = object({
  evidence: evidenceDecoder,
  binding: enclaveBindingDecoder,
  checkpoint: noteText,
  artifacts: list(artifactId, 0, 64),
})

export const releaseResponseDecoder: Decoder<ReleaseResponse> = object({
  keySet: loggedStatementDecoder,
  policy: loggedStatementDecoder,
  receipt: loggedStatementDecoder,
  enc: base64url(XWING_ENC_BYTES),
  wrapped: base64url(16, 65_536),
})

export const releasedKeysDecoder: Decoder<ReleasedKeys> = object({
  keys: list(object({ keyId: integer(0, 255), privateKey: base64url(32, 66) }), 1, MAX_KEYS_PER_SET),
  artifacts: list(object({ id: artifactId, contentKey: base64url(32) }), 0, 64),
})
