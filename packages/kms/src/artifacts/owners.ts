import { toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { MAX_OWNED_ARTIFACTS } from '@sotto/protocol/governance'
import type { ArtifactKeyImport, UnixSeconds } from '@sotto/protocol/keyrelease'
import { MAX_AHEAD_SECONDS } from '@sotto/protocol/sealed-models'
import { kmsError } from '../errors.ts'
import type { KmsState } from '../state/index.ts'
import { isCovered, isForgotten, MAX_REMOVED_PER_OWNER } from './removed.ts'

/** Most artifacts one KMS holds keys for. */
export const MAX_ARTIFACTS: number = MAX_OWNED_ARTIFACTS
/** Policies of their own: of one owner, and of all. Each is a document of up to 48 KiB. */
const MAX_POLICIES_PER_OWNER = 16
const MAX_OWNER_POLICIES = 256

/** A name for an import key, which every start replaces. */
export function importKeyName(publicKey: Uint8Array): string {
  return toHex(crypto.sha256(publicKey).subarray(0, 16))
}

/**
 * Whether this owner may have this import taken: admitted by members, of an artifact that is not another's and was not
 * removed, within what members allow.
 * @throws `KMS_OWNER_UNKNOWN`, `KMS_OWNER_QUOTA`, `KMS_ARTIFACT_OWNED`, `KMS_ARTIFACT_REMOVED`, `KMS_ARTIFACTS_FULL`
 */
export function requireRoom(request: ArtifactKeyImport, state: KmsState, importKey: string): void {
  const { artifact, owner, policy, ownerPolicy } = request
  const admitted = requireAdmitted(owner, state)
  requireNotRemoved(request, state)
  const existing = state.artifacts.get(artifact)
  if (existing !== undefined && existing.owner !== owner)
    throw kmsError('KMS_ARTIFACT_OWNED', 'another owner imported this artifact')
  const own = [...state.artifacts.values()].filter((one) => one.owner === owner && one.id !== artifact)
  if (own.length >= admitted.artifacts)
    throw quota(`keys of ${admitted.artifacts} artifacts`, `${own.length}`, 'Remove one you need no more.')
  if (ownerPolicy !== undefined) {
    const policies = new Set(own.map((one) => one.policy)).add(policy)
    if (policies.size > MAX_POLICIES_PER_OWNER)
      throw quota(
        `${MAX_POLICIES_PER_OWNER} policies`,
        `${policies.size}`,
        'Use one policy for more artifacts.',
      )
    if (!state.ownerPolicies.has(policy) && state.ownerPolicies.size >= MAX_OWNER_POLICIES) throw full()
  }
  if (existing === undefined && state.artifacts.size >= MAX_ARTIFACTS) throw full()
  const unforgettable = (state.removed.get(owner) ?? []).filter((one) => !isForgotten(one, importKey)).length
  if (unforgettable + own.length + 1 > MAX_REMOVED_PER_OWNER) throw full()
}

/** @throws `KMS_ARTIFACT_REMOVED` where the owner said so of this artifact, or of its model after this was made */
function requireNotRemoved({ artifact, owner, model, createdAt }: ArtifactKeyImport, state: KmsState): void {
  if (state.removed.get(owner)?.some(({ id }) => id === artifact))
    throw kmsError('KMS_ARTIFACT_REMOVED', 'its owner had the key of this artifact destroyed', {
      hint: 'Seal the content again: that makes a new artifact.',
    })
  const isEnded =
    model !== undefined &&
    state.removedModels.get(owner)?.some((one) => isCovered(model, one) && createdAt <= one.createdAt)
  if (isEnded === true)
    throw kmsError('KMS_ARTIFACT_REMOVED', 'its owner removed this model after the import was made', {
      hint: 'Publish it again.',
    })
}

/**
 * What covers everything that was made until then is not made in the future (T13).
 * @throws `KMS_STATEMENT_TIME`
 */
export function requireMade(createdAt: UnixSeconds, now: UnixSeconds): void {
  if (createdAt <= now + MAX_AHEAD_SECONDS) return
  throw kmsError('KMS_STATEMENT_TIME', 'it was made in the future; compare the clocks', {
    expected: `at most ${now + MAX_AHEAD_SECONDS}`,
    found: `${createdAt}`,
  })
}

/** @throws `KMS_OWNER_UNKNOWN` */
export function requireAdmitted(owner: string, { owners = [] }: KmsState): { artifacts: number } {
  const admitted = owners.find(({ key }) => key === owner)
  if (admitted !== undefined) return admitted
  throw kmsError('KMS_OWNER_UNKNOWN', 'members of this KMS have not admitted this owner', {
    found: owner,
    hint: 'Members do that: sotto propose owners, sotto vote.',
  })
}

function quota(expected: string, found: string, hint: string): Error {
  return kmsError('KMS_OWNER_QUOTA', 'this owner has as much here as members allow', {
    expected: `at most ${expected}`,
    found,
    hint,
  })
}

function full(): Error {
  return kmsError('KMS_ARTIFACTS_FULL', 'this KMS holds as much for owners as it may')
}
