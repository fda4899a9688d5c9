import type { ArtifactId, Digest, UnixSeconds } from '@sotto/protocol/keyrelease'
import type { ArtifactKey, KmsState } from '../state/index.ts'
import type { HeldContract } from './types.ts'

/** How long a contract that has ended is still shown to its parties. */
const KEPT_SECONDS = 30 * 86_400

/**
 * The state without what time has ended: runs whose offers expired, and contracts that ended a while ago, with the content
 * keys that were given for them. That a contract was there is remembered for as long as it could be accepted again: a
 * ledger that began anew would be none.
 * @returns the keys that are gone, to be erased once that is durable
 */
export function withoutOver(
  state: KmsState,
  now: UnixSeconds,
): { state: KmsState; gone: readonly ArtifactKey[] } {
  const contracts = new Map<Digest, HeldContract>()
  const over: HeldContract[] = []
  let isChanged = false
  for (const held of state.contracts.values()) {
    const { endedAt, contract } = held
    if (Math.min(endedAt ?? Infinity, contract.notAfter) + KEPT_SECONDS <= now) {
      over.push(held)
      continue
    }
    const open = held.open.filter(({ notAfter }) => notAfter > now)
    isChanged ||= open.length < held.open.length
    contracts.set(held.digest, open.length < held.open.length ? { ...held, open } : held)
  }
  const remembered = [...state.endedContracts].filter(([, notAfter]) => notAfter > now)
  if (over.length === 0 && !isChanged && remembered.length === state.endedContracts.size)
    return { state, gone: [] }
  const ended = over.map(({ digest, contract }) => [digest, contract.notAfter] as const)
  const endedContracts = new Map([...remembered, ...ended.filter(([, notAfter]) => notAfter > now)])
  const digests = new Set(over.map(({ digest }) => digest))
  const artifacts = new Map<ArtifactId, ArtifactKey>()
  const gone: ArtifactKey[] = []
  for (const [id, artifact] of state.artifacts) {
    if (artifact.contract !== undefined && digests.has(artifact.contract)) gone.push(artifact)
    else artifacts.set(id, artifact)
  }
  return { state: { ...state, contracts, endedContracts, artifacts }, gone }
}
