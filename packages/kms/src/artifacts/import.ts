import { fromBase64Url } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { type DsseEnvelope, parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import type { KemPrivateKey } from '@sotto/protocol/hpke'
import {
  artifactImportInfo,
  type ArtifactId,
  type ArtifactKeyImport,
  artifactKeyImportDecoder,
  decodeDocument,
  PAYLOAD_TYPES,
  type KeyReleasePolicy,
  type UnixSeconds,
  unwrapSecret,
  WRAP_SUITE,
} from '@sotto/protocol/keyrelease'
import { type OpenedCall, openCalls } from '@sotto/protocol/sealed-call'
import { kmsError } from '../errors.ts'
import { requireKind, requireWorkload } from '../policies/index.ts'
import type { ArtifactKey, KmsState } from '../state/index.ts'
import { importedModels } from './keep.ts'
import { importKeyName, requireAdmitted, requireMade, requireRoom } from './owners.ts'

const CONTENT_KEY_LENGTH = 32

/** What an import judges against. */
export interface ImportContext {
  state: KmsState
  /** See `KmsConfig`. */
  softwareRoots: readonly string[]
  now: UnixSeconds
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
  /** Opens a call that was sealed to the same key. @throws the codes of `OhttpErrorCode` */
  openCall(bytes: Uint8Array): OpenedCall
  /**
   * Judges the body of `POST /v1/artifacts/{id}/key` and unwraps the content key.
   * @throws `KMS_REQUEST_MALFORMED`, `KMS_NOT_AUTHORIZED`, `KMS_WRONG_GENESIS`, `KMS_STATEMENT_TIME`,
   * `KMS_ARTIFACT_POLICY`, `KMS_POLICY_MIXED`, `KMS_POLICY_TUPLE`, `KMS_ARTIFACT_REPLAY`, and those of `requireRoom`
   */
  open(id: ArtifactId, body: Uint8Array, context: ImportContext): OpenedImport
}

/** Makes the import key of this start. */
export function createArtifactImporter(): ArtifactImporter {
  const key = WRAP_SUITE.kem.generate()
  const name = importKeyName(key.publicKey)

  return {
    publicKey: key.publicKey,
    name,
    openCall: openCalls(key),
    open(id, body, context) {
      const request = verifyImport(id, body)
      requireAcceptable(request, context)
      requireRoom(request, context.state, name)
      const contentKey = unwrap(key, request)
      try {
        const { owner, policy, ownerPolicy, contract, createdAt: importedAt } = request
        const held = context.state.artifacts.get(id)
        const models = importedModels(held, request)
        const under = contract !== undefined && { contract }
        const artifact = { id, owner, policy, contentKey, importedAt, models, ...under }
        if (held !== undefined) requireInOrder(artifact, held)
        return { artifact, ownerPolicy }
      } catch (error) {
        // What is refused is not kept, until the memory is used again neither.
        contentKey.fill(0)
        throw error
      }
    },
  }
}

/**
 * What is known of an import before it is judged in its turn: an admitted owner signed it.
 * @throws `KMS_REQUEST_MALFORMED`, `KMS_NOT_AUTHORIZED`, `KMS_OWNER_UNKNOWN`
 */
export function requireSender(id: ArtifactId, body: Uint8Array, state: KmsState): void {
  requireAdmitted(verifyImport(id, body).owner, state)
}

/**
 * An owner's older choice cannot be put back, whenever it arrives. Of one second there is one choice: which of two was
 * the later one, nobody could tell.
 * @throws `KMS_ARTIFACT_REPLAY`
 */
function requireInOrder(given: ArtifactKey, held: ArtifactKey): void {
  if (given.importedAt > held.importedAt) return
  const isSame =
    given.importedAt === held.importedAt &&
    given.policy === held.policy &&
    given.contract === held.contract &&
    crypto.equal(given.contentKey, held.contentKey)
  if (isSame) return
  throw kmsError('KMS_ARTIFACT_REPLAY', 'the owner made a later import of this artifact', {
    expected: `made after ${held.importedAt}`,
    found: `${given.importedAt}`,
    hint: 'Make the import again; if its time is right, the clock of the one before was ahead.',
  })
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

function requireAcceptable(request: ArtifactKeyImport, { state, softwareRoots, now }: ImportContext): void {
  const { genesis, owner, policy, ownerPolicy, createdAt } = request
  if (genesis !== state.identity?.digest)
    throw kmsError('KMS_WRONG_GENESIS', 'the import is meant for another KMS')
  requireMade(createdAt, now)
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
