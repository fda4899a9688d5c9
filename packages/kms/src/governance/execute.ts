import {
  constitutionInForce,
  MAX_CONSTITUTIONS,
  type ProposalBodies,
  type ProposalKind,
} from '@sotto/protocol/governance'
import { type Digest, documentDigest, type LoggedStatement } from '@sotto/protocol/keyrelease'
import { MAX_KEYS_PER_SET, planEpoch } from '../epochs/index.ts'
import { kmsError } from '../errors.ts'
import { countFreeKeyIds } from '../keys/index.ts'
import { findPolicyObstacle, judgePolicy, withPolicy } from '../policies/index.ts'
import { findRotationObstacle } from '../root/rotate.ts'
import type { KmsState } from '../state/index.ts'
import { inForceOf } from './in-force.ts'
import type { ExecutionTools, JudgeContext } from './tools.ts'

/** A decision that the log holds. */
export interface LoggedDecision {
  /** Identifier of the proposal. */
  id: Digest
  statement: LoggedStatement
  /** Those the proposal came with. */
  releases: LoggedStatement[]
}

/**
 * How proposals of one kind come true. All but `judge` are pure: what a decision does is part of the one
 * durable transition that notes it as logged, so that it happens once or not yet, never twice. Work that takes
 * longer writes down in that transition what is left to do.
 */
export interface Executor<Kind extends ProposalKind> {
  /** Why it can never come true from this state; asked when it is proposed, and until it is decided. */
  findObstacle(body: ProposalBodies[Kind], state: KmsState): Obstacle | undefined
  /** Everything else that has to be right, asked once, when it is proposed. */
  judge?(body: ProposalBodies[Kind], releases: LoggedStatement[], context: JudgeContext): Promise<void>
  /** Refuses the ballot that would decide while it could not be followed. @throws an error to try again after */
  requireReady?(body: ProposalBodies[Kind], state: KmsState, tools: ExecutionTools): void
  execute(
    body: ProposalBodies[Kind],
    state: KmsState,
    decision: LoggedDecision,
    tools: ExecutionTools,
  ): KmsState
}

/** Why a proposal is overtaken, as the error that proposing it gives. */
export type Obstacle = ReturnType<typeof kmsError>

/** Rotations on request stop early enough that scheduled ones still find free identifiers. */
const RESERVED_ROTATIONS = 4

const keyReleasePolicy: Executor<'key-release-policy'> = {
  findObstacle: findPolicyObstacle,
  judge: judgePolicy,
  requireReady: (_, state, tools) => requireFreeKeyIds(state, tools, 0),
  execute(body, state, { statement, releases }, tools) {
    const digest = documentDigest(body)
    const known = withPolicy(state, { digest, document: body, statement, releases })
    return planEpoch(known, { ...tools, policy: digest, forceNewKeys: true })
  },
}

const constitution: Executor<'constitution'> = {
  findObstacle(body, state) {
    const { sequence } = inForceOf(state)
    if (sequence >= MAX_CONSTITUTIONS)
      return kmsError('KMS_PROPOSAL_OVERTAKEN', 'this KMS has had all the constitutions it can have')
    if (body.sequence === sequence + 1) return undefined
    return kmsError('KMS_PROPOSAL_OVERTAKEN', 'the constitution does not follow the one in force', {
      expected: `sequence ${sequence + 1}`,
      found: `${body.sequence}`,
    })
  },
  requireReady: (_, state, tools) => requireFreeKeyIds(state, tools, 0),
  execute(body, state, { statement }, tools) {
    const { governance } = state
    const succession = [...governance.succession, statement]
    const next = { ...state, governance: { ...governance, succession, inForce: constitutionInForce(body) } }
    // A key set names the constitution in force, so there is a new one at once.
    return replanned(next, tools, false)
  },
}

const rotate: Executor<'rotate'> = {
  findObstacle({ epoch }, state) {
    if (state.policy === undefined)
      return kmsError('KMS_NO_POLICY', 'no key-release policy was accepted yet, so there are no keys')
    const current = state.epoch?.number ?? 0
    if (epoch === current) return undefined
    return kmsError('KMS_EPOCH_CONFLICT', 'the rotation was proposed after another epoch', {
      expected: `${current}`,
      found: `${epoch}`,
    })
  },
  requireReady: (_, state, tools) => requireFreeKeyIds(state, tools, RESERVED_ROTATIONS),
  execute: (_, state, __, tools) => replanned(state, tools, true),
}

const resume: Executor<'resume'> = {
  findObstacle({ hold }, { governance }) {
    if (governance.holds.some(({ id }) => id === hold)) return undefined
    return kmsError('KMS_PROPOSAL_OVERTAKEN', 'no such hold is in force', { found: hold })
  },
  execute({ hold }, state) {
    const { governance } = state
    return {
      ...state,
      governance: { ...governance, holds: governance.holds.filter(({ id }) => id !== hold) },
    }
  },
}

const custodians: Executor<'custodians'> = {
  findObstacle(_, { custody }) {
    return custody === undefined
      ? kmsError('KMS_NO_SHARES', 'the root secret of this KMS is not shared with custodians')
      : undefined
  },
  // The shares are made by the next step: see root/custody.ts; of a root secret on its way into force, root/rotate.ts.
  execute: (body, state) => ({ ...state, sharing: body }),
}

const rotateRoot: Executor<'rotate-root'> = {
  findObstacle: ({ generation }, state) => findRotationObstacle(generation, state),
  requireReady(_, __, { canRotateRoot }) {
    if (!canRotateRoot)
      throw kmsError('KMS_ROOT_FILE', 'this KMS has no folder to keep another root secret in', {
        hint: 'Configure root.folder.',
      })
  },
  // See root/rotate.ts for what follows.
  execute: ({ generation }, state) => ({ ...state, rotation: { generation } }),
}

const owners: Executor<'owners'> = {
  // The whole list each time: two lists can follow each other in one order only, which the log shows.
  findObstacle: () => undefined,
  // What owners who are listed no more have here stays theirs; they can have it forgotten, and add nothing.
  execute: ({ owners: admitted }, state) => ({ ...state, owners: admitted }),
}

/** What can be decided here. A kind that is missing is refused when it is proposed. */
export const EXECUTORS: { readonly [Kind in ProposalKind]?: Executor<Kind> } = {
  'key-release-policy': keyReleasePolicy,
  constitution,
  rotate,
  resume,
  custodians,
  'rotate-root': rotateRoot,
  owners,
}

function replanned(state: KmsState, tools: ExecutionTools, forceNewKeys: boolean): KmsState {
  return state.policy === undefined
    ? state
    : planEpoch(state, { ...tools, policy: state.policy, forceNewKeys })
}

/** Room for one more rotation beyond those reserved. */
function requireFreeKeyIds(state: KmsState, { now, suites }: ExecutionTools, reserved: number): void {
  const free = countFreeKeyIds(state.keyIds, now)
  const room = reserved === 0 ? free : Math.min(free, MAX_KEYS_PER_SET - state.keys.size)
  if (room > reserved * suites.length) return
  throw kmsError('KMS_KEY_IDS_EXHAUSTED', 'what room is left is kept for scheduled rotations', {
    hint: 'Vote again when older keys have expired.',
  })
}
