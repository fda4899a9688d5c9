import { SottoError } from '@sotto/protocol/errors'
import { type ArtifactId, documentDigest } from '@sotto/protocol/keyrelease'
import {
  type KeysReceipt,
  MAX_RECEIPT_ARTIFACTS,
  type ModelRemoval,
  verifyOwnerDocument,
} from '@sotto/protocol/sealed-models'
import { kmsError, type KmsErrorCode } from '../errors.ts'
import type { ArtifactKey, HeldModel, KmsState } from '../state/index.ts'
import { requireMade } from './owners.ts'
import type { AdmittedRemoval, RemovalContext } from './remove.ts'
import { isCovered, isWithin, withoutKeys, withRemovedModel } from './removed.ts'

/** A removal of a model that may happen, and what it does. */
export interface AdmittedModelRemoval extends AdmittedRemoval {
  /** Keys that go now. */
  destroyed: ArtifactId[]
  /** Not admitted, and nothing of theirs is here or was: the receipt says so, and nothing changes. */
  isStranger: boolean
  receipt: Omit<KeysReceipt, 'issuedAt'>
}

/**
 * Judges the body of `POST /v1/model-removals`: what an owner signed for registry and KMS alike. Which keys it ends is
 * found here, by the names that the owner signed into the imports. Of an owner who is not admitted, and has nothing
 * here, nothing is kept: there is nothing that could come back. Removing again changes nothing.
 * @throws `KMS_REQUEST_MALFORMED`, `KMS_NOT_AUTHORIZED`, `KMS_WRONG_GENESIS`, `KMS_STATEMENT_TIME`; the transition
 * `KMS_ARTIFACTS_FULL`
 */
export function admitModelRemoval(
  body: Uint8Array,
  { state, importKey, now }: RemovalContext,
): AdmittedModelRemoval {
  const genesis = state.identity!.digest
  const removal = verify(body, genesis)
  requireMade(removal.createdAt, now)
  const { owner, name, version, createdAt } = removal
  const held = [...state.artifacts.values()].filter((artifact) => artifact.owner === owner)
  const byEnd = Map.groupBy(held, (artifact) => endOf(artifact, removal))
  const of = (end: End): ArtifactId[] => (byEnd.get(end) ?? []).map(({ id }) => id)
  const destroyed = of('destroyed')
  const [shared, newer] = [of('shared'), of('newer')]
  const room = MAX_RECEIPT_ARTIFACTS - destroyed.length - shared.length - newer.length
  const receipt: AdmittedModelRemoval['receipt'] = {
    format: 'sotto-model-keys-receipt/1',
    genesis,
    removal: documentDigest(body),
    destroyed: [...destroyed, ...destroyedBefore(state, removal).slice(0, room)],
    shared,
    newer,
  }
  const note = { name, version, createdAt, importKey }
  const isNoted = state.removedModels.get(owner)?.some((one) => isWithin(note, one)) === true
  const isAnybodys = held.length > 0 || state.owners?.some(({ key }) => key === owner) === true
  const isRemembered = state.removed.has(owner) || state.removedModels.has(owner)
  const isDone = isNoted && destroyed.length === 0 && held.every((artifact) => isMarked(artifact, removal))
  const isNothing = !isAnybodys || isDone
  return {
    owner,
    destroyed,
    isStranger: !isAnybodys && !isRemembered,
    receipt,
    transition: isNothing
      ? undefined
      : (before) => {
          const marked = withMarks(before, removal)
          const without = destroyed.length === 0 ? marked : withoutKeys(marked, owner, destroyed, importKey)
          return withRemovedModel(without, owner, note)
        },
  }
}

type End = 'destroyed' | 'shared' | 'newer' | 'untouched'

/** What a removal means for the key of an artifact of the same owner. */
function endOf({ models }: ArtifactKey, removal: ModelRemoval): End {
  const named = models.filter((model) => isCovered(model, removal))
  if (named.length === 0) return 'untouched'
  if (named.some((model) => !isEnded(model, removal))) return 'newer'
  return models.every((model) => isEnded(model, removal)) ? 'destroyed' : 'shared'
}

function isEnded(model: HeldModel, removal: ModelRemoval): boolean {
  return model.isRemoved === true || (isCovered(model, removal) && model.importedAt <= removal.createdAt)
}

function isMarked({ models }: ArtifactKey, removal: ModelRemoval): boolean {
  return models.every((model) => model.isRemoved === true || !isEnded(model, removal))
}

/** The state in which what the removal covers is marked as removed. */
function withMarks(state: KmsState, removal: ModelRemoval): KmsState {
  const artifacts = new Map(state.artifacts)
  for (const artifact of state.artifacts.values()) {
    if (artifact.owner !== removal.owner || isMarked(artifact, removal)) continue
    const models = artifact.models.map((model) =>
      isEnded(model, removal) ? { ...model, isRemoved: true as const } : model,
    )
    artifacts.set(artifact.id, { ...artifact, models })
  }
  return { ...state, artifacts }
}

/** Newest first. */
function destroyedBefore(state: KmsState, removal: ModelRemoval): ArtifactId[] {
  const removed = state.removed.get(removal.owner) ?? []
  return removed
    .filter(({ models = [] }) => models.some((model) => isCovered(model, removal)))
    .map(({ id }) => id)
    .toReversed()
}

const CODES: Readonly<Record<string, KmsErrorCode>> = {
  __proto__: null as never,
  MODEL_SIGNATURE: 'KMS_NOT_AUTHORIZED',
  MODEL_DEPLOYMENT: 'KMS_WRONG_GENESIS',
}

function verify(body: Uint8Array, genesis: string): ModelRemoval {
  try {
    return verifyOwnerDocument('removal', body, genesis)
  } catch (cause) {
    if (!(cause instanceof SottoError)) throw cause
    throw kmsError(CODES[cause.code] ?? 'KMS_REQUEST_MALFORMED', cause.message, { cause })
  }
}
