import type { Digest, KeyReleasePolicy } from '@sotto/protocol/keyrelease'
import type { ArtifactKey, KmsState } from '../state/index.ts'

/** A policy by which an artifact is released. */
export interface ArtifactPolicy {
  digest: Digest
  document: KeyReleasePolicy
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
