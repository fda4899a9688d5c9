import { fromBase64Url, fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import type { ArtifactId, Digest } from '@sotto/protocol/keyrelease'
import { kmsError } from '../errors.ts'
import { NO_GOVERNANCE } from '../governance/in-force.ts'
import type { OpenProposal } from '../governance/types.ts'
import { NO_KEY_IDS } from '../keys/key-ids.ts'
import type { StoredRecord } from '../store/index.ts'
import type { AcceptedPolicy, ArtifactKey, KmsState } from './types.ts'

/** Nothing stored yet. */
export const EMPTY_STATE: KmsState = {
  keyIds: NO_KEY_IDS,
  keys: new Map(),
  policies: new Map(),
  artifacts: new Map(),
  governance: NO_GOVERNANCE,
  proposals: new Map(),
}

const STATE = 'state'
const FORMER_KEYS = 'key'
const POLICIES = 'policy'
const ARTIFACTS = 'artifact'
const PROPOSALS = 'proposal'
const NAMES = [
  'identity',
  'seen',
  'keyIds',
  'statementKeys',
  'policy',
  'epoch',
  'pending',
  'governance',
  'anchor',
  'roots',
  'custody',
  'sharing',
  'rotation',
  'roster',
] as const

/**
 * The records a state is stored as: one per part. Private request keys are in none of them: nobody who gets
 * the store, its seal and the root secret opens recorded traffic (T4).
 */
export function toRecords(state: KmsState): StoredRecord[] {
  const records: StoredRecord[] = []
  for (const name of NAMES) {
    if (state[name] !== undefined) records.push({ table: STATE, key: name, value: encode(state[name]) })
  }
  for (const policy of state.policies.values()) {
    records.push({ table: POLICIES, key: policy.digest, value: encode(policy) })
  }
  for (const proposal of state.proposals.values()) {
    records.push({ table: PROPOSALS, key: proposal.id, value: encode(proposal) })
  }
  for (const artifact of state.artifacts.values()) {
    records.push({ table: ARTIFACTS, key: artifact.id, value: encode(artifact) })
  }
  return records
}

/**
 * The state of records that this measurement sealed itself: nobody else can have written them.
 * @throws `KMS_STORE_TAMPERED` for a record of a kind this version does not know
 */
export function fromRecords(records: readonly StoredRecord[]): KmsState {
  const state: Record<string, unknown> = { ...EMPTY_STATE }
  const policies = new Map<Digest, AcceptedPolicy>()
  const artifacts = new Map<ArtifactId, ArtifactKey>()
  const proposals = new Map<Digest, OpenProposal>()
  for (const { table, key, value } of records) {
    // Versions before kept request keys; left out here, they are erased by the next write.
    if (table === FORMER_KEYS) continue
    if (table === POLICIES) policies.set(key, decode(value) as AcceptedPolicy)
    else if (table === PROPOSALS) proposals.set(key, decode(value) as OpenProposal)
    else if (table === ARTIFACTS) artifacts.set(key, decode(value) as ArtifactKey)
    else if (table === STATE && NAMES.some((name) => name === key)) state[key] = decode(value)
    else throw kmsError('KMS_STORE_TAMPERED', 'the store has a record this version does not know')
  }
  return { ...(state as unknown as KmsState), keys: new Map(), policies, artifacts, proposals }
}

/** JSON in which byte strings are `{"$bytes": base64url}`. */
function encode(value: unknown): Uint8Array {
  return utf8(
    JSON.stringify(value, (_, item: unknown) =>
      item instanceof Uint8Array ? { $bytes: toBase64Url(item) } : item,
    ),
  )
}

function decode(bytes: Uint8Array): unknown {
  return JSON.parse(fromUtf8(bytes), (_, item: unknown) => {
    if (typeof item === 'object' && item !== null && '$bytes' in item)
      return fromBase64Url(item.$bytes as string)
    return item
  })
}
