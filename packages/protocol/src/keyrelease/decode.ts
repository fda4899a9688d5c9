import { dataUseDecoder } from '../data-use/index.ts'
import {
  base64url,
  hex,
  integer,
  jcsError,
  label,
  list,
  literal,
  members,
  object,
  oneOf,
  refine,
  text,
  type Decoder,
} from '../jcs/index.ts'
import { releasedAppDecoder } from './app.ts'
import {
  FIRST_EPOCH,
  findGenesisContradiction,
  findKeySetContradiction,
  findReceiptContradiction,
  findReleasedContradiction,
} from './consistency.ts'
import { EVIDENCE_LIMITS, XWING_PUBLIC_KEY_BYTES } from './limits.ts'
import { MAX_MEMBERS, membersDecoder, releaseKeysDecoder, rotationPolicyDecoder } from './members.ts'
import { nonceDecoder } from './nonce.ts'
import {
  EVIDENCE_FAMILIES,
  type Component,
  type Evidence,
  type EvidenceFamily,
  type PolicyTuple,
  ROLES,
} from './admission.ts'
import {
  RELEASE_PREDICATE,
  type EnclaveBinding,
  type Genesis,
  type KeyReleasePolicy,
  type KeySet,
  type KmsBinding,
  type KmsCertificate,
  type LoggedStatement,
  type PublishedKey,
  type ReleasedKeys,
  type ReleaseReceipt,
  type ReleaseRequest,
  type ReleaseResponse,
  type ReleaseStatement,
} from './types.ts'

/** Largest RFC 9458 key configuration published: X-Wing's key with a few suites. */
export const MAX_KEY_CONFIG_BYTES = 2048
export const MAX_KEYS_PER_SET = 64
const MAX_TUPLES = 16
const MAX_NOTE_CHARACTERS = 16_384
export const MAX_ENVELOPE_CHARACTERS = 65_535
/** Content keys that one release may be asked for. */
const MAX_ARTIFACTS_PER_RELEASE = 64
const YEAR_SECONDS = 366 * 86_400

const name = label(64)
const digest = hex(32)
export const artifactId: Decoder<string> = hex(16)
const ed25519Key = base64url(32)
/** X-Wing public keys and encapsulations (draft-connolly-cfrg-xwing-kem): all that secrets are wrapped to and with. */
export const wrapKey: Decoder<string> = base64url(XWING_PUBLIC_KEY_BYTES)
export const wrapEnc: Decoder<string> = base64url(1120)
const time = integer(1)
const noteKey = label(256)
export const noteText = text(MAX_NOTE_CHARACTERS, /^[\n\P{Cc}]+$/u)
const role = oneOf(...ROLES)
const family = oneOf<EvidenceFamily>(...EVIDENCE_FAMILIES)

/** Structure only: the members besides `family` are for the verifier to read. */
const component: Decoder<Component> = (value, path) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw jcsError('JCS_FIELD', `${path} is malformed`, 'an object')
  family((value as Component).family, `${path}.family`)
  return value as Component
}

export const genesisDecoder: Decoder<Genesis> = refine(
  object({
    version: literal(1),
    name,
    rootKey: ed25519Key,
    members: membersDecoder,
    threshold: integer(1, MAX_MEMBERS),
    releaseKeys: releaseKeysDecoder,
    rotation: rotationPolicyDecoder,
    log: object({ origin: label(256), key: noteKey }),
    witnesses: object({ keys: list(noteKey, 1, 32), quorum: integer(1, 32) }),
    createdAt: time,
  }),
  findGenesisContradiction,
)

export const kmsCertificateDecoder: Decoder<KmsCertificate> = refine(
  object({
    version: literal(1),
    genesis: digest,
    signingKey: ed25519Key,
    notBefore: time,
    notAfter: time,
  }),
  ({ notBefore, notAfter }) => (notAfter <= notBefore ? 'it is never valid' : undefined),
)

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
  predicate: members<ReleaseStatement['predicate']>(
    { role, version: name, securityVersion: integer(0, 2 ** 31), evidence: component, createdAt: time },
    { dataUse: dataUseDecoder, app: releasedAppDecoder },
  ),
})

export const tupleName: Decoder<string> = text(64, /^[a-z0-9][a-z0-9.-]*$/)
/** A file name too: no separator, and nothing that begins with a dot. */
const pieceName = text(128, /^[A-Za-z0-9][A-Za-z0-9._-]*$/)

/** What {@link AdmissionTuple} has besides its name. */
const tuple = members<PolicyTuple>(
  { name: tupleName, role, allOf: list(component, 1, 4) },
  {
    gpuBinding: object({ minGpus: integer(1, 16), maxGpus: integer(1, 16) }),
    notBefore: time,
    notAfter: time,
  },
)

export const keyReleasePolicyDecoder: Decoder<KeyReleasePolicy> = members<KeyReleasePolicy>(
  {
    version: literal(1),
    genesis: digest,
    anyOf: list(tuple, 1, MAX_TUPLES),
    evidenceMaxAgeSeconds: integer(1, 86_400),
    createdAt: time,
  },
  { collateralMaxAgeSeconds: integer(1, YEAR_SECONDS), revocationMaxAgeSeconds: integer(1, YEAR_SECONDS) },
)

const publishedKey: Decoder<PublishedKey> = object({
  keyId: integer(0, 255),
  config: base64url(8, MAX_KEY_CONFIG_BYTES),
  policy: digest,
  notBefore: time,
  notAfter: time,
})

export const keySetDecoder: Decoder<KeySet> = refine(
  object({
    version: literal(1),
    genesis: digest,
    epoch: integer(FIRST_EPOCH),
    previous: digest,
    constitution: digest,
    keys: list(publishedKey, 1, MAX_KEYS_PER_SET),
    issuedAt: time,
  }),
  findKeySetContradiction,
)

export const releaseReceiptDecoder: Decoder<ReleaseReceipt> = refine(
  members<ReleaseReceipt>(
    {
      version: literal(1),
      genesis: digest,
      epoch: integer(FIRST_EPOCH),
      keyIds: list(integer(0, 255), 1, MAX_KEYS_PER_SET),
      policy: digest,
      tuple: tupleName,
      evidence: digest,
      hardware: list(label(256), 1, EVIDENCE_LIMITS.pieces),
      receiptKey: ed25519Key,
      issuedAt: time,
      notAfter: time,
    },
    {
      artifacts: list(
        object({ id: artifactId, owner: ed25519Key, policy: digest }),
        1,
        MAX_ARTIFACTS_PER_RELEASE,
      ),
    },
  ),
  findReceiptContradiction,
)

export const kmsBindingDecoder: Decoder<KmsBinding> = members<KmsBinding>(
  { version: literal(1), genesis: digest, signingKey: ed25519Key, importKey: wrapKey, checkpoint: digest },
  { nonce: nonceDecoder },
)

export const enclaveBindingDecoder: Decoder<EnclaveBinding> = object({
  version: literal(1),
  genesis: digest,
  wrapKey,
  receiptKey: ed25519Key,
  checkpoint: digest,
})

/** Pieces of collateral by name; how large they are is bounded by the document they stand in. */
const collateral: Decoder<Record<string, string>> = (value, path) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw jcsError('JCS_FIELD', `${path} is malformed`, 'an object')
  const entries = Object.entries(value)
  const { collateral: most, pieceBytes } = EVIDENCE_LIMITS
  if (entries.length > most)
    throw jcsError('JCS_FIELD', `${path} has too many pieces`, `${most}`, `${entries.length}`)
  return Object.fromEntries(
    entries.map(([piece, bytes]) => [
      pieceName(piece, `${path}: a name`),
      base64url(1, pieceBytes)(bytes, `${path}.${piece}`),
    ]),
  )
}

const evidencePieces: Decoder<Evidence> = list(
  object({ family, evidence: base64url(16, EVIDENCE_LIMITS.pieceBytes), collateral }),
  1,
  EVIDENCE_LIMITS.pieces,
)

export const evidenceDecoder: Decoder<Evidence> = (value, path) => {
  const pieces = evidencePieces(value, path)
  const texts = pieces.flatMap(({ evidence, collateral: beside }) => [evidence, ...Object.values(beside)])
  const bytes = texts.reduce((sum, { length }) => sum + Math.floor((length * 3) / 4), 0)
  const { totalBytes } = EVIDENCE_LIMITS
  if (bytes > totalBytes)
    throw jcsError('JCS_FIELD', `${path} is too large`, `at most ${totalBytes} bytes`, `${bytes}`)
  return pieces
}

export const loggedStatementDecoder: Decoder<LoggedStatement> = object({
  envelope: text(MAX_ENVELOPE_CHARACTERS),
  index: integer(0),
})

export const releaseRequestDecoder: Decoder<ReleaseRequest> = object({
  evidence: evidenceDecoder,
  binding: enclaveBindingDecoder,
  checkpoint: noteText,
  artifacts: list(artifactId, 0, MAX_ARTIFACTS_PER_RELEASE),
})

/** Longest release response: three envelopes and the wrapped keys. */
export const MAX_RELEASE_RESPONSE_BYTES = 524_288

export const releaseResponseDecoder: Decoder<ReleaseResponse> = object({
  keySet: loggedStatementDecoder,
  policy: loggedStatementDecoder,
  receipt: loggedStatementDecoder,
  enc: wrapEnc,
  wrapped: base64url(16, 65_536),
})

export const releasedKeysDecoder: Decoder<ReleasedKeys> = refine(
  object({
    keys: list(object({ keyId: integer(0, 255), privateKey: base64url(32, 66) }), 1, MAX_KEYS_PER_SET),
    artifacts: list(object({ id: artifactId, contentKey: base64url(32) }), 0, MAX_ARTIFACTS_PER_RELEASE),
  }),
  findReleasedContradiction,
)
