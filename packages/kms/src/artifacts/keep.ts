import type { ArtifactKeyImport, Digest, KeyReleasePolicy } from '@sotto/protocol/keyrelease'
import { kmsError } from '../errors.ts'
import type { ArtifactKey, HeldModel, KmsState } from '../state/index.ts'

/** A policy by which an artifact is released. */
export interface ArtifactPolicy {
  digest: Digest
  document: KeyReleasePolicy
}

/** Models that one artifact may be: versions of the same sealed file. */
const MAX_MODELS_PER_ARTIFACT = 64

/**
 * Which models an artifact is after an import. Where there are too many, those that were removed make room: the KMS
 * remembers the removals by themselves.
 * @throws `KMS_OWNER_QUOTA`
 */
export function importedModels(
  held: ArtifactKey | undefined,
  { model, createdAt }: Pick<ArtifactKeyImport, 'model' | 'createdAt'>,
): readonly HeldModel[] {
  const known = held?.models ?? []
  if (model === undefined) return known
  const others = known.filter(({ name, version }) => name !== model.name || version !== model.version)
  const kept =
    others.length < MAX_MODELS_PER_ARTIFACT ? others : others.filter((one) => one.isRemoved !== true)
  if (kept.length < MAX_MODELS_PER_ARTIFACT) return [...kept, { ...model, importedAt: createdAt }]
  throw kmsError('KMS_OWNER_QUOTA', 'this artifact is as many models as one may be', {
    expected: `at most ${MAX_MODELS_PER_ARTIFACT}`,
    hint: 'Remove versions that are needed no more, or seal the content again.',
  })
}

/** Whether an import says nothing that is not held. */
export function isHeld(state: KmsState, artifact: ArtifactKey): boolean {
  const held = state.artifacts.get(artifact.id)
  if (held === undefined || held.importedAt !== artifact.importedAt) return false
  // In order, an import of the same second is of the same key and policy.
  return artifact.models.every((one) => held.models.some((other) => isSameModel(one, other)))
}

function isSameModel(one: HeldModel, other: HeldModel): boolean {
  const { name, version, importedAt, isRemoved } = one
  return (
    name === other.name &&
    version === other.version &&
    importedAt === other.importedAt &&
    isRemoved === other.isRemoved
  )
}

/** The state with one more artifact, or another key of it. */
export function withArtifact(
  state: KmsState,
  artifact: ArtifactKey,
  ownerPolicy: KeyReleasePolicy | undefined,
): KmsState {
  const artifacts = new Map(state.artifacts).set(artifact.id, artifact)
  const known = state.ownerPolicies
  const isNew = ownerPolicy !== undefined && !known.has(artifact.policy)
  const ownerPolicies = isNew ? new Map(known).set(artifact.policy, ownerPolicy) : known
  return withoutUnused({ ...state, artifacts, ownerPolicies })
}

/** The state without owners' policies that no artifact refers to. */
export function withoutUnused(state: KmsState): KmsState {
  const used = new Set([...state.artifacts.values()].map(({ policy }) => policy))
  const kept = [...state.ownerPolicies].filter(([digest]) => used.has(digest))
  return kept.length === state.ownerPolicies.size ? state : { ...state, ownerPolicies: new Map(kept) }
}

/** The policy that says who may open an artifact: a digest names one document, whoever brought it. */
export function policyOf(state: KmsState, { policy }: ArtifactKey): ArtifactPolicy | undefined {
  const document = state.ownerPolicies.get(policy) ?? state.policies.get(policy)?.document
  return document === undefined ? undefined : { digest: policy, document }
}
