import { fromBase64Url, fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import type { ArtifactId, Digest, Ed25519Key, KeyReleasePolicy } from '@sotto/protocol/keyrelease'
import type { Contract } from '@sotto/protocol/contract'
import type { HeldContract } from '../contracts/types.ts'
import { kmsError } from '../errors.ts'
import { NO_GOVERNANCE } from '../governance/in-force.ts'
import type { OpenProposal } from '../governance/types.ts'
import { NO_KEY_IDS } from '../keys/key-ids.ts'
import type { StoredRecord } from '../store/index.ts'
import type { AcceptedPolicy, ArtifactKey, KmsState, RemovedArtifact, RemovedModel } from './types.ts'

/** Nothing stored yet. */
export const EMPTY_STATE: KmsState = {
  keyIds: NO_KEY_IDS,
  keys: new Map(),
  policies: new Map(),
  artifacts: new Map(),
  ownerPolicies: new Map(),
  removed: new Map(),
  removedModels: new Map(),
  contracts: new Map(),
  endedContracts: new Map(),
  governance: NO_GOVERNANCE,
  proposals: new Map(),
}

const STATE = 'state'
const FORMER_KEYS = 'key'
const POLICIES = 'policy'
const ARTIFACTS = 'artifact'
const PROPOSALS = 'proposal'
const OWNER_POLICIES = 'owner-policy'
const REMOVED = 'removed'
const REMOVED_MODELS = 'removed-model'
/** A contract, which never changes, and how it stands. */
const CONTRACTS = 'contract'
const STANDINGS = 'contract-standing'
const ENDED = 'ended-contract'
/** Which records there may be: raised when a version adds some. A store without this record is of version 1. */
const FORMAT = 'format'
const FORMAT_VERSION = 5
const NAMES = [
  'identity',
  'seen',
  'keyIds',
  'statementKeys',
  'booting',
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
  'owners',
  'contractEvents',
] as const

/**
 * The records a state is stored as: one per part. Private request keys are in none of them: nobody who gets
 * the store, its seal and the root secret opens recorded traffic (T4).
 */
export function toRecords(state: KmsState): StoredRecord[] {
  const records: StoredRecord[] = [{ table: STATE, key: FORMAT, value: encode(FORMAT_VERSION) }]
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
  for (const [digest, policy] of state.ownerPolicies)
    records.push({ table: OWNER_POLICIES, key: digest, value: encodeOnce(policy) })
  for (const [owner, removed] of state.removed)
    records.push({ table: REMOVED, key: owner, value: encodeOnce(removed) })
  for (const [owner, removed] of state.removedModels)
    records.push({ table: REMOVED_MODELS, key: owner, value: encodeOnce(removed) })
  for (const held of state.contracts.values()) {
    const { contract, ...standing } = held
    records.push({ table: CONTRACTS, key: held.digest, value: encodeOnce(contract) })
    records.push({ table: STANDINGS, key: held.digest, value: encode(standing) })
  }
  for (const [digest, notAfter] of state.endedContracts)
    records.push({ table: ENDED, key: digest, value: encode(notAfter) })
  return records
}

/**
 * The state of records that this measurement sealed itself: nobody else can have written them.
 * @throws `KMS_STORE_NEWER` for a store that a later version wrote, `KMS_STORE_TAMPERED` for any other record of a kind
 * this version does not know
 */
export function fromRecords(records: readonly StoredRecord[]): KmsState {
  const state: Record<string, unknown> = { ...EMPTY_STATE }
  const policies = new Map<Digest, AcceptedPolicy>()
  const artifacts = new Map<ArtifactId, ArtifactKey>()
  const proposals = new Map<Digest, OpenProposal>()
  const ownerPolicies = new Map<Digest, KeyReleasePolicy>()
  const removed = new Map<Ed25519Key, RemovedArtifact[]>()
  const removedModels = new Map<Ed25519Key, RemovedModel[]>()
  const documents = new Map<Digest, Contract>()
  const endedContracts = new Map<Digest, number>()
  const standings = new Map<Digest, Omit<HeldContract, 'contract'>>()
  requireKnownFormat(records)
  for (const { table, key, value } of records) {
    // Versions before kept request keys; left out here, they are erased by the next write.
    if (table === FORMER_KEYS || isFormat({ table, key })) continue
    if (table === POLICIES) policies.set(key, decode(value) as AcceptedPolicy)
    else if (table === PROPOSALS) proposals.set(key, decode(value) as OpenProposal)
    else if (table === ARTIFACTS) artifacts.set(key, artifactIn(value))
    else if (table === OWNER_POLICIES) ownerPolicies.set(key, decode(value) as KeyReleasePolicy)
    else if (table === REMOVED) removed.set(key, decode(value) as RemovedArtifact[])
    else if (table === REMOVED_MODELS) removedModels.set(key, decode(value) as RemovedModel[])
    else if (table === CONTRACTS) documents.set(key, decode(value) as Contract)
    else if (table === STANDINGS) standings.set(key, decode(value) as Omit<HeldContract, 'contract'>)
    else if (table === ENDED) endedContracts.set(key, decode(value) as number)
    else if (table === STATE && NAMES.some((name) => name === key)) state[key] = decode(value)
    else throw kmsError('KMS_STORE_TAMPERED', 'the store has a record this version does not know')
  }
  // Both are written in one transition.
  const contracts = new Map(
    [...standings].map(([digest, standing]) => [digest, { ...standing, contract: documents.get(digest)! }]),
  )
  const maps = {
    policies,
    artifacts,
    proposals,
    ownerPolicies,
    removed,
    removedModels,
    contracts,
    endedContracts,
  }
  return { ...(state as unknown as KmsState), keys: new Map(), ...maps }
}

/** Stores before format 3 do not say when an artifact was imported, or for which model. Members keep their places. */
function artifactIn(value: Uint8Array): ArtifactKey {
  const stored = decode(value) as ArtifactKey & { importedAt?: number; models?: ArtifactKey['models'] }
  return { ...stored, importedAt: stored.importedAt ?? 0, models: stored.models ?? [] }
}

function isFormat({ table, key }: Pick<StoredRecord, 'table' | 'key'>): boolean {
  return table === STATE && key === FORMAT
}

/** A version before must not go on with what it cannot read: it would forget who had what removed. */
function requireKnownFormat(records: readonly StoredRecord[]): void {
  const record = records.find(isFormat)
  const found = record === undefined ? 1 : decode(record.value)
  if (typeof found === 'number' && found >= 1 && found <= FORMAT_VERSION) return
  throw kmsError('KMS_STORE_NEWER', 'a later version of the KMS wrote this store', {
    expected: `format ${FORMAT_VERSION} or before`,
    found: `format ${String(found)}`,
    hint: 'Start that version, or a later one.',
  })
}

const encoded = new WeakMap<object, Uint8Array>()

/** The same bytes for the same value, which is large and never changes. */
function encodeOnce(value: object): Uint8Array {
  const known = encoded.get(value)
  if (known !== undefined) return known
  const made = encode(value)
  encoded.set(value, made)
  return made
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
