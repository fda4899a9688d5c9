import { fromBase64Url } from '@sotto/protocol/bytes'
import { type DsseEnvelope, parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import type { KemPrivateKey } from '@sotto/protocol/hpke'
import {
  artifactImportInfo,
  type ArtifactId,
  type ArtifactKeyImport,
  artifactKeyImportDecoder,
  decodeDocument,
  documentDigest,
  PAYLOAD_TYPES,
  unwrapSecret,
  WRAP_SUITE,
} from '@sotto/protocol/keyrelease'
import { kmsError } from '../errors.ts'
import type { ArtifactKey, KmsState } from '../state/index.ts'

const CONTENT_KEY_LENGTH = 32
/** Most artifacts one KMS holds keys for. */
export const MAX_ARTIFACTS = 1024
/** Most different imports of one artifact between two starts of the KMS. */
const MAX_IMPORTS_PER_ARTIFACT = 64

/** Takes content keys from owners. The key they are wrapped to is made at each start and never stored. */
export interface ArtifactImporter {
  /** X-Wing public key, bound by the KMS's evidence: owners wrap to it and nothing else. */
  readonly publicKey: Uint8Array
  /**
   * Judges the body of `POST /v1/artifacts/{id}/key` and unwraps the content key.
   * @throws `KMS_REQUEST_MALFORMED`, `KMS_NOT_AUTHORIZED`, `KMS_WRONG_GENESIS`, `KMS_ARTIFACT_POLICY`,
   * `KMS_ARTIFACT_OWNED`, `KMS_ARTIFACT_REPLAY`, `KMS_ARTIFACTS_FULL`
   */
  open(id: ArtifactId, body: Uint8Array, state: KmsState): ArtifactKey
}

/** Makes the import key of this start. */
export function createArtifactImporter(): ArtifactImporter {
  const key = WRAP_SUITE.kem.generate()
  /** Per artifact, digests of the imports followed so far: an owner's older choice cannot be put back. */
  const followed = new Map<ArtifactId, string[]>()

  return {
    publicKey: key.publicKey,
    open(id, body, state) {
      const request = verifyImport(id, body)
      requireAcceptable(request, state)
      const digest = documentDigest(request)
      const earlier = followed.get(id) ?? []
      if (
        (earlier.includes(digest) && earlier.at(-1) !== digest) ||
        earlier.length >= MAX_IMPORTS_PER_ARTIFACT
      ) {
        throw kmsError('KMS_ARTIFACT_REPLAY', 'this import was replaced by a later one of the same owner')
      }
      const contentKey = unwrap(key, request)
      if (earlier.at(-1) !== digest) followed.set(id, [...earlier, digest])
      return { id, owner: request.owner, policy: request.policy, contentKey }
    },
  }
}

function verifyImport(id: ArtifactId, body: Uint8Array): ArtifactKeyImport {
  let envelope: DsseEnvelope
  let request: ArtifactKeyImport
  try {
    envelope = parseDsse(body)
    request = decodeDocument(envelope.payload, artifactKeyImportDecoder, 'import')
  } catch (cause) {
    throw kmsError('KMS_REQUEST_MALFORMED', 'the import is malformed', { cause })
  }
  if (request.artifact !== id)
    throw kmsError('KMS_REQUEST_MALFORMED', 'path and document name different artifacts')
  try {
    verifyDsse(envelope, PAYLOAD_TYPES.artifactKeyImport, [fromBase64Url(request.owner)])
  } catch (cause) {
    throw kmsError('KMS_NOT_AUTHORIZED', 'the owner it names did not sign the import', { cause })
  }
  return request
}

function requireAcceptable(request: ArtifactKeyImport, state: KmsState): void {
  if (request.genesis !== state.identity?.digest)
    throw kmsError('KMS_WRONG_GENESIS', 'the import is meant for another KMS')
  if (!state.policies.has(request.policy)) {
    throw kmsError('KMS_ARTIFACT_POLICY', 'no accepted key-release policy has this digest', {
      found: request.policy,
    })
  }
  const existing = state.artifacts.get(request.artifact)
  if (existing !== undefined && existing.owner !== request.owner) {
    throw kmsError('KMS_ARTIFACT_OWNED', 'another owner imported this artifact')
  }
  if (existing === undefined && state.artifacts.size >= MAX_ARTIFACTS) {
    throw kmsError('KMS_ARTIFACTS_FULL', 'this KMS holds keys for as many artifacts as it may')
  }
}

function unwrap(key: KemPrivateKey, request: ArtifactKeyImport): Uint8Array {
  let contentKey: Uint8Array
  try {
    contentKey = unwrapSecret(key, artifactImportInfo(request), request)
  } catch (cause) {
    throw kmsError(
      'KMS_REQUEST_MALFORMED',
      'the content key is not wrapped to the import key of this start',
      {
        cause,
        hint: 'Fetch the KMS evidence again and wrap to its importKey.',
      },
    )
  }
  if (contentKey.length !== CONTENT_KEY_LENGTH) {
    throw kmsError('KMS_REQUEST_MALFORMED', 'a content key has 32 bytes', { found: `${contentKey.length}` })
  }
  return contentKey
}
