import { toHex } from '../bytes/index.ts'
import { publicCrypto } from '../crypto-backend/index.ts'
import { pae } from '../dsse/index.ts'
import { SottoError } from '../errors/index.ts'
import { areDistinct, canonicalJson, parseCanonicalJson, type Decoder } from '../jcs/index.ts'
import { keyReleasePolicyDecoder } from './decode.ts'
import { type Evidence } from './admission.ts'
import type { ArtifactKeyImport } from './artifact-keys.ts'
import {
  BINDING_TYPES,
  type Digest,
  type EnclaveBinding,
  type KeyReleasePolicy,
  type KmsBinding,
} from './types.ts'

/**
 * Codes of {@link SottoError} thrown here.
 * - `POLICY_INVALID` (fix-input): a key-release policy contradicts itself.
 * - `WRAP_FAILED` (fix-input for senders, stop for recipients): no X-Wing key, or a secret not meant for this key.
 */
export type KeyReleaseErrorCode = 'POLICY_INVALID' | 'WRAP_FAILED'

/** Canonical bytes of a document, as they are signed and hashed. */
export function encodeDocument(document: object): Uint8Array {
  return canonicalJson(document)
}

/** Longest document accepted unless a caller says otherwise; a release response holds several. */
const MAX_DOCUMENT_BYTES = 65_536

/**
 * A document of canonical bytes that were authenticated, or are about to be.
 *
 * @param maxBytes default 65536; {@link MAX_RELEASE_RESPONSE_BYTES} for release responses
 * @throws `JCS_MALFORMED`, `JCS_FIELD` (fix-input)
 */
export function decodeDocument<T>(
  bytes: Uint8Array,
  decoder: Decoder<T>,
  name = 'document',
  maxBytes: number = MAX_DOCUMENT_BYTES,
): T {
  return decoder(parseCanonicalJson(bytes, { maxBytes }), name)
}

/** SHA-256 of a document's canonical bytes, hexadecimal. */
export function documentDigest(document: object | Uint8Array): Digest {
  return toHex(publicCrypto.sha256(document instanceof Uint8Array ? document : canonicalJson(document)))
}

/**
 * A key-release policy that does not contradict itself: software and hardware never share one (T10) and no
 * tuple stands twice. What its components mean is for the verifier.
 *
 * @throws `POLICY_INVALID` (fix-input), `JCS_MALFORMED`, `JCS_FIELD`
 */
export function parseKeyReleasePolicy(bytes: Uint8Array): KeyReleasePolicy {
  return decodeDocument(bytes, consistentPolicyDecoder, 'policy')
}

/** {@link parseKeyReleasePolicy} of a value inside another document. */
export const consistentPolicyDecoder: Decoder<KeyReleasePolicy> = (value, path) => {
  const policy = keyReleasePolicyDecoder(value, path)
  const kinds = policy.anyOf.flatMap(({ allOf }) => allOf.map(({ family }) => family === 'software'))
  if (kinds.includes(true) && kinds.includes(false)) throw invalid('software and hardware in one policy')
  if (!areDistinct(policy.anyOf.map(({ name }) => name))) throw invalid('a tuple name stands twice')
  const contents = policy.anyOf.map(({ name: _name, ...content }) => documentDigest(content))
  if (!areDistinct(contents)) throw invalid('a tuple stands twice')
  return policy
}

/** Names evidence by its pieces, without what came beside them: SHA-256 of their canonical JSON. */
export function evidenceDigest(evidence: Evidence): Digest {
  return documentDigest(evidence.map(({ family, evidence: piece }) => ({ family, evidence: piece })))
}

/**
 * REPORT_DATA (64 bytes): SHA-512 over the typed, length-delimited binding, so that no KMS report
 * can pose as an enclave's and no field can run into the next (T6).
 */
export function bindReportData(kind: 'kms', binding: KmsBinding): Uint8Array
export function bindReportData(kind: 'enclave', binding: EnclaveBinding): Uint8Array
export function bindReportData(kind: keyof typeof BINDING_TYPES, binding: object): Uint8Array {
  return publicCrypto.sha512(pae(BINDING_TYPES[kind], canonicalJson(binding)))
}

/** HPKE info of a release: ties the wrapped keys to one genesis, policy and report. */
export function releaseInfo({
  genesis,
  policy,
  evidence,
}: Record<'genesis' | 'policy' | 'evidence', Digest>): Uint8Array {
  return pae('application/vnd.sotto.release-wrap+json', canonicalJson({ genesis, policy, evidence }))
}

/** HPKE info of an artifact key import: ties the content key to artifact, policy and owner. */
export function artifactImportInfo({
  genesis,
  artifact,
  policy,
  owner,
}: Pick<ArtifactKeyImport, 'genesis' | 'artifact' | 'policy' | 'owner'>): Uint8Array {
  return pae(
    'application/vnd.sotto.artifact-import+json',
    canonicalJson({ genesis, artifact, policy, owner }),
  )
}

function invalid(found: string): SottoError<KeyReleaseErrorCode> {
  return new SottoError<KeyReleaseErrorCode>(
    'POLICY_INVALID',
    'fix-input',
    'key-release policy is contradictory',
    { found },
  )
}
