import { fromBase64Url } from '@sotto/protocol/bytes'
import { type DsseEnvelope, parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import {
  type ArtifactId,
  type ArtifactKeyRemoval,
  artifactKeyRemovalDecoder,
  decodeDocument,
  type Ed25519Key,
  PAYLOAD_TYPES,
  type UnixSeconds,
} from '@sotto/protocol/keyrelease'
import { kmsError } from '../errors.ts'
import type { KmsState } from '../state/index.ts'
import { requireAdmitted, requireMade } from './owners.ts'
import { withoutKeys } from './removed.ts'

/** What is to be judged against. */
export interface RemovalContext {
  state: KmsState
  /** The import key in force, see `importKeyName`. */
  importKey: string
  now: UnixSeconds
}

/** A removal that may happen. */
export interface AdmittedRemoval {
  owner: Ed25519Key
  /** Absent where it changes nothing. */
  transition: ((state: KmsState) => KmsState) | undefined
}

/**
 * Judges the body of `DELETE /v1/artifacts/{id}/key`. Of an artifact that is not here an admitted owner may say so as
 * well: an import that is still on its way is refused then. Removing again changes nothing.
 * @returns who says so, and the transition after which the key is gone and cannot be imported again
 * @throws `KMS_REQUEST_MALFORMED`, `KMS_NOT_AUTHORIZED`, `KMS_WRONG_GENESIS`, `KMS_STATEMENT_TIME`,
 * `KMS_ARTIFACT_OWNED`, `KMS_OWNER_UNKNOWN`; the transition `KMS_ARTIFACTS_FULL`
 */
export function admitRemoval(
  id: ArtifactId,
  body: Uint8Array,
  { state, importKey, now }: RemovalContext,
): AdmittedRemoval {
  const { owner, genesis, createdAt } = verifyRemoval(id, body)
  if (genesis !== state.identity?.digest)
    throw kmsError('KMS_WRONG_GENESIS', 'the removal is meant for another KMS')
  requireMade(createdAt, now)
  const existing = state.artifacts.get(id)
  if (existing !== undefined && existing.owner !== owner)
    throw kmsError('KMS_ARTIFACT_OWNED', 'another owner imported this artifact')
  const isKnown = state.removed.get(owner)?.some((one) => one.id === id) === true
  // Who is admitted no more can still have what is here forgotten.
  if (existing === undefined && !isKnown) requireAdmitted(owner, state)
  // What is remembered as removed is not here.
  if (isKnown) return { owner, transition: undefined }
  return { owner, transition: (before) => withoutKeys(before, owner, [id], importKey) }
}

function verifyRemoval(id: ArtifactId, body: Uint8Array): ArtifactKeyRemoval {
  let envelope: DsseEnvelope
  let removal: ArtifactKeyRemoval
  try {
    envelope = parseDsse(body)
    removal = decodeDocument(envelope.payload, artifactKeyRemovalDecoder, 'removal')
  } catch (cause) {
    throw kmsError('KMS_REQUEST_MALFORMED', 'the removal is malformed', { cause })
  }
  if (removal.artifact !== id)
    throw kmsError('KMS_REQUEST_MALFORMED', 'path and document name different artifacts')
  try {
    verifyDsse(envelope, PAYLOAD_TYPES.artifactKeyRemoval, [fromBase64Url(removal.owner)])
  } catch (cause) {
    throw kmsError('KMS_NOT_AUTHORIZED', 'the owner it names did not sign the removal', { cause })
  }
  return removal
}
