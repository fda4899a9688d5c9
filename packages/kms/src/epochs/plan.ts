import {
  type Digest,
  documentDigest,
  FIRST_EPOCH,
  type KeySet,
  NO_PREVIOUS_KEY_SET,
  PAYLOAD_TYPES,
  type PublishedKey,
  type UnixSeconds,
} from '@sotto/protocol/keyrelease'
import { inForceOf } from '../governance/in-force.ts'
import { allocateKeyIds, createRequestKey, isRotationDue, lifetimeFrom } from '../keys/index.ts'
import type { KmsState, RequestKem, RequestKey } from '../state/index.ts'
import type { StatementKey } from '../statements/index.ts'

/** What one new epoch is made from. */
export interface EpochPlan {
  /** Policy of the epoch: keys made under another one are left out (T2). */
  policy: Digest
  /** Make new keys even when the newest still lives beyond the overlap. */
  forceNewKeys: boolean
  now: UnixSeconds
  suites: readonly RequestKem[]
  statementKey: StatementKey
}

/** Most keys of one set: with X-Wing keys alone its envelope still fits one log entry of 60000 bytes. */
export const MAX_KEYS_PER_SET = 20

/**
 * The state with the next epoch written down as pending: its keys, its identifiers and its signed
 * set belong together, so one transition stores them. Nobody is served any of it before the log
 * holds the set (T3).
 *
 * Older keys of the same policy stay in the set through their grace, so that a workload that starts
 * then still gets them.
 * @throws `KMS_KEY_IDS_EXHAUSTED`
 */
export function planEpoch(state: KmsState, plan: EpochPlan): KmsState {
  const { now, policy } = plan
  const { digest: constitution, rotation } = inForceOf(state)
  const live = [...state.keys.values()].filter((key) => key.policy === policy && key.destroyAt >= now)
  const needsKeys = plan.forceNewKeys || isRotationDue(live, now, rotation)
  const made = needsKeys ? makeKeys(state, plan) : { keys: [], keyIds: state.keyIds }
  // The oldest give way, should members have rotated more often than one set can hold.
  const kept = live.toSorted((a, b) => b.notAfter - a.notAfter).slice(0, MAX_KEYS_PER_SET - made.keys.length)
  const keys = [...made.keys, ...kept]
  const number = state.epoch === undefined ? FIRST_EPOCH : state.epoch.number + 1
  const set: KeySet = {
    version: 1,
    genesis: state.identity!.digest,
    epoch: number,
    previous: state.epoch?.digest ?? NO_PREVIOUS_KEY_SET,
    constitution,
    keys: keys.map(publish),
    issuedAt: now,
  }
  const epoch = {
    number,
    digest: documentDigest(set),
    statement: { envelope: plan.statementKey.sign(PAYLOAD_TYPES.keySet, set) },
    signer: plan.statementKey.publicKey,
    keyIds: keys.map((key) => key.keyId),
  }
  const all = new Map(state.keys)
  for (const key of made.keys) all.set(key.keyId, key)
  return { ...state, keyIds: made.keyIds, keys: all, pending: { epoch, policy } }
}

/**
 * The state after the log took the pending set at `index`: it is the current epoch. Private keys
 * that are in no set any more can never be released again, so they go.
 */
export function publishPending(state: KmsState, index: number): KmsState {
  const { pending, ...rest } = state
  if (pending === undefined) return state
  const { epoch, policy } = pending
  const keys = new Map([...state.keys].filter(([keyId]) => epoch.keyIds.includes(keyId)))
  return { ...rest, policy, keys, epoch: { ...epoch, statement: { ...epoch.statement, index } } }
}

/** The state without the private keys whose time is over. */
export function destroyExpired(state: KmsState, now: UnixSeconds): KmsState {
  const keys = new Map([...state.keys].filter(([, key]) => key.destroyAt >= now))
  return keys.size === state.keys.size ? state : { ...state, keys }
}

function makeKeys(state: KmsState, plan: EpochPlan): { keys: RequestKey[]; keyIds: KmsState['keyIds'] } {
  const lifetime = lifetimeFrom(plan.now, inForceOf(state).rotation)
  const { ids, allocation } = allocateKeyIds(state.keyIds, plan.suites.length, plan.now, lifetime.idBusyUntil)
  const keys = plan.suites.map((kem, index) => createRequestKey(kem, ids[index]!, plan.policy, lifetime))
  return { keys, keyIds: allocation }
}

function publish({ keyId, config, policy, notBefore, notAfter }: RequestKey): PublishedKey {
  return { keyId, config, policy, notBefore, notAfter }
}
