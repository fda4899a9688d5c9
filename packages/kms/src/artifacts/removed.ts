import type { ArtifactId, Ed25519Key, ModelVersion } from '@sotto/protocol/keyrelease'
import { MAX_OWNED_ARTIFACTS } from '@sotto/protocol/governance'
import { kmsError } from '../errors.ts'
import type { KmsState, RemovedModel } from '../state/index.ts'
import { withoutUnused } from './keep.ts'

/**
 * Removed artifacts that are remembered of one owner. Those of import keys that are gone make room for new ones; with
 * every artifact of an owner that is still here, those of this key always fit.
 */
export const MAX_REMOVED_PER_OWNER: number = 2 * MAX_OWNED_ARTIFACTS
/** Removals of models that are remembered one by one. */
export const MAX_REMOVED_MODELS = 256

/** No import of that time can be opened any more: the key it is wrapped to is gone. */
export function isForgotten(removed: { importKey: string }, importKey: string): boolean {
  return removed.importKey !== importKey
}

/** Whether a removal is of this model, whenever that was imported. */
export function isCovered(
  { name, version }: ModelVersion,
  removed: Pick<RemovedModel, 'name' | 'version'>,
): boolean {
  return (
    (removed.name === undefined || removed.name === name) &&
    (removed.version === 'all' || removed.version === version)
  )
}

/** The state without these keys of an owner, which cannot be imported again. @throws `KMS_ARTIFACTS_FULL` */
export function withoutKeys(
  state: KmsState,
  owner: Ed25519Key,
  ids: readonly ArtifactId[],
  importKey: string,
): KmsState {
  const artifacts = new Map(state.artifacts)
  const own = [...(state.removed.get(owner) ?? [])]
  for (const id of ids) {
    const models = artifacts.get(id)?.models.map(({ name, version }) => ({ name, version })) ?? []
    artifacts.delete(id)
    own.push({ id, importKey, ...(models.length > 0 && { models }) })
  }
  while (own.length > MAX_REMOVED_PER_OWNER) {
    const forgettable = own.findIndex((one) => isForgotten(one, importKey))
    if (forgettable < 0) throw kmsError('KMS_ARTIFACTS_FULL', 'too much was removed since this KMS started')
    own.splice(forgettable, 1)
  }
  return withoutUnused({ ...state, artifacts, removed: new Map(state.removed).set(owner, own) })
}

/**
 * The state with one more removal of a model. Where there are too many to keep one by one, the rest become one that is
 * of any model and as late as the latest of them: it refuses more, never less.
 */
export function withRemovedModel(state: KmsState, owner: Ed25519Key, removed: RemovedModel): KmsState {
  const known = state.removedModels.get(owner) ?? []
  let own = [...known.filter((one) => !isWithin(one, removed)), removed]
  if (own.length > MAX_REMOVED_MODELS) own = own.filter((one) => !isForgotten(one, removed.importKey))
  if (own.length > MAX_REMOVED_MODELS) {
    const createdAt = Math.max(...own.map((one) => one.createdAt))
    own = [{ version: 'all', createdAt, importKey: removed.importKey }]
  }
  return { ...state, removedModels: new Map(state.removedModels).set(owner, own) }
}

/** Whether the first removal refuses nothing that the second does not. */
export function isWithin(one: RemovedModel, other: RemovedModel): boolean {
  const isNamed = other.name === undefined || one.name === other.name
  const isNumbered = other.version === 'all' || one.version === other.version
  return isNamed && isNumbered && one.createdAt <= other.createdAt
}
