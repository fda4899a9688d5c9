import type { AcceptedPolicy, KmsState } from '../state/index.ts'

/** Accepted policies that are kept although nothing refers to them. */
const KEPT_POLICIES = 64

/** The state with one more accepted policy; the oldest that nothing refers to are forgotten. */
export function withPolicy(state: KmsState, policy: AcceptedPolicy): KmsState {
  const policies = new Map(state.policies).set(policy.digest, policy)
  const needed = new Set([
    state.policy,
    policy.digest,
    ...[...state.artifacts.values()].map((artifact) => artifact.policy),
  ])
  const oldestFirst = [...policies.values()].toSorted((a, b) => a.document.createdAt - b.document.createdAt)
  for (const { digest } of oldestFirst) {
    if (policies.size <= KEPT_POLICIES) break
    if (!needed.has(digest)) policies.delete(digest)
  }
  return { ...state, policies }
}
