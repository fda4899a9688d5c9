import { fromBase64Url } from '@sotto/protocol/bytes'
import { type DsseEnvelope, parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import {
  type ArtifactId,
  type ArtifactKeyRemoval,
  artifactKeyRemovalDecoder,
  decodeDocument,
  type Ed25519Key,
  PAYLOAD_TYPES,
} from '@sotto/protocol/keyrelease'
import { kmsError } from '../errors.ts'
import type { KmsState } from '../state/index.ts'
import { withoutUnused } from './keep.ts'
import { MAX_REMOVED_PER_OWNER, requireAdmitted } from './owners.ts'

/**
 * Judges the body of `DELETE /v1/artifacts/{id}/key`. Of an artifact that is not here an admitted owner may say so as
 * well: an import that is still on its way is refused then. Removing again changes nothing.
 * @param importKey the one in force, see `importKeyName`
 * @returns who says so, and the transition after which the key is gone and cannot be imported again
 * @throws `KMS_REQUEST_MALFORMED`, `KMS_NOT_AUTHORIZED`, `KMS_WRONG_GENESIS`, `KMS_ARTIFACT_OWNED`, `KMS_OWNER_UNKNOWN`,
 * `KMS_ARTIFACTS_FULL`
 */
export function admitRemoval(
  id: ArtifactId,
  body: Uint8Array,
  state: KmsState,
  importKey: string,
): { owner: Ed25519Key; transition: (state: KmsState) => KmsState } {
  const { owner, genesis } = verifyRemoval(id, body)
  if (genesis !== state.identity?.digest)
    throw kmsError('KMS_WRONG_GENESIS', 'the removal is meant for another KMS')
  const existing = state.artifacts.get(id)
  if (existing !== undefined && existing.owner !== owner)
    throw kmsError('KMS_ARTIFACT_OWNED', 'another owner imported this artifact')
  const isKnown = state.removed.get(owner)?.some((one) => one.id === id) === true
  // Who is admitted no more can still have what is here forgotten.
  if (existing === undefined && !isKnown) requireAdmitted(owner, state)
  const transition = (before: KmsState): KmsState => {
    const artifacts = new Map(before.artifacts)
    artifacts.delete(id)
    const removed = isKnown ? before.removed : withRemoved(before, { id, owner, importKey })
    return withoutUnused({ ...before, artifacts, removed })
  }
  return { owner, transition }
}

/** Oldest first; what no import can undo any more makes room. */
function withRemoved(
  { removed }: KmsState,
  { id, owner, importKey }: { id: ArtifactId; owner: string; importKey: string },
): KmsState['removed'] {
  const own = [...(removed.get(owner) ?? []), { id, importKey }]
  while (own.length > MAX_REMOVED_PER_OWNER) {
    const forgettable = own.findIndex((one) => one.importKey !== importKey)
    if (forgettable < 0) throw kmsError('KMS_ARTIFACTS_FULL', 'too much was removed since this KMS started')
    own.splice(forgettable, 1)
  }
  return new Map(removed).set(owner, own)
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
