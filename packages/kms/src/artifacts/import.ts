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
  type KeyReleasePolicy,
  unwrapSecret,
  WRAP_SUITE,
} from '@sotto/protocol/keyrelease'
import { kmsError } from '../errors.ts'
import { requireKind, requireWorkload } from '../policies/index.ts'
import type { ArtifactKey, KmsState } from '../state/index.ts'
import { importKeyName, requireAdmitted, requireRoom } from './owners.ts'

const CONTENT_KEY_LENGTH = 32
/** Most different imports of one artifact between two starts of the KMS. */
const MAX_IMPORTS_PER_ARTIFACT = 64

/** What an import judges against. */
export interface ImportContext {
  state: KmsState
  /** See `KmsConfig`. */
  softwareRoots: readonly string[]
}

/** A content key that may be kept, with the policy of its owner where that is no policy of the members'. */
export interface OpenedImport {
  artifact: ArtifactKey
  ownerPolicy: KeyReleasePolicy | undefined
}

/** Takes content keys from owners. The key they are wrapped to is made at each start and never stored. */
export interface ArtifactImporter {
  /** X-Wing public key, bound by the KMS's evidence: owners wrap to it and nothing else. */
  readonly publicKey: Uint8Array
  /** `importKeyName` of it. */
  readonly name: string
  /**
   * Judges the body of `POST /v1/artifacts/{id}/key` and unwraps the content key.
   * @throws `KMS_REQUEST_MALFORMED`, `KMS_NOT_AUTHORIZED`, `KMS_WRONG_GENESIS`, `KMS_ARTIFACT_POLICY`,
   * `KMS_POLICY_MIXED`, `KMS_POLICY_TUPLE`, `KMS_ARTIFACT_REPLAY`, and those of `requireRoom`
   */
  open(id: ArtifactId, body: Uint8Array, context: ImportContext): OpenedImport
}

/** Makes the import key of this start. */
export function createArtifactImporter(): ArtifactImporter {
  const key = WRAP_SUITE.kem.generate()
  /** Per artifact, digests of the imports followed so far: an owner's older choice cannot be put back. */
  const followed = new Map<ArtifactId, string[]>()

  const name = importKeyName(key.publicKey)

  return {
    publicKey: key.publicKey,
    name,
    open(id, body, context) {
      const request = verifyImport(id, body)
      requireAcceptable(request, context)
      requireRoom(request, context.state, name)
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
      const { owner, policy, ownerPolicy } = request
      return { artifact: { id, owner, policy, contentKey }, ownerPolicy }
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

function requireAcceptable(request: ArtifactKeyImport, { state, softwareRoots }: ImportContext): void {
  const { genesis, owner, policy, ownerPolicy } = request
  if (genesis !== state.identity?.digest)
    throw kmsError('KMS_WRONG_GENESIS', 'the import is meant for another KMS')
  // Before anything that costs more than a signature check.
  requireAdmitted(owner, state)
  if (ownerPolicy !== undefined) {
    // A policy that means nothing here, or that nothing satisfies, would only be noticed when the model is wanted.
    requireKind(ownerPolicy, softwareRoots)
    requireWorkload(ownerPolicy)
  } else if (!state.policies.has(policy))
    throw kmsError('KMS_ARTIFACT_POLICY', 'no accepted key-release policy has this digest', {
      found: policy,
      hint: "Send the owner's policy with the import.",
    })
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
