import { fromBase64Url, utf8 } from '@sotto/protocol/bytes'
import { type RecoveryBinding, bindRecovery, type SealedShare } from '@sotto/protocol/custody'
import { parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import {
  bindReportData,
  decodeDocument,
  type Digest,
  type Evidence,
  type KmsBinding,
  type LoggedStatement,
  PAYLOAD_TYPES,
  type ReleaseStatement,
  releaseStatementDecoder,
} from '@sotto/protocol/keyrelease'
import type { Checkpoint } from '@sotto/protocol/note'
import { appraiseEvidence, type EvidenceAppraisal } from '../appraisal/index.ts'
import { requireFresh, verifyUnder } from '../bundle/log-checks.ts'
import { requireRelease } from '../bundle/releases.ts'
import { type Check, Refusal, runChecks } from '../checks/index.ts'
import type { TrustPolicy } from '../policy/index.ts'
import type { Step } from '../result.ts'
import {
  describeRelease,
  evidencePieces,
  findReleaseDefect,
  platformPolicy,
  programOf,
  refusalText,
  withRelease,
} from '../workload/index.ts'
import type { LoggedShareSet, RootHistory } from './history.ts'

/** What a KMS shows of itself: running, or waiting for shares. */
export interface CustodyEvidence {
  evidence: Evidence
  binding: KmsBinding | RecoveryBinding
  boundCheckpoint: string
}

/** What a custodian brings to the decision. */
export interface CustodyQuestion {
  policy: TrustPolicy
  /** All of the log up to `checkpoint`, read for the genesis that the policy pins. */
  history: RootHistory
  /** Proven to carry log key and witness quorum of the policy. */
  checkpoint: Checkpoint & { time: number }
  /** Whether the log at `size` entries has exactly this root: from proofs that were checked. */
  extends: (older: Checkpoint) => boolean
  kms: CustodyEvidence
  /** SHA-256 of the custodian's own key. */
  custodian: Digest
  /** Generation of the share set that the KMS shows. */
  generation: number
  /** Unix seconds. */
  now: number
}

/** The decision, and what it opens: a share only when every step passed. */
export interface CustodyVerdict {
  ok: boolean
  steps: Step[]
  share?: { set: LoggedShareSet; sealed: SealedShare }
}

interface Facts extends CustodyQuestion {
  genesis?: true
  appraisal?: EvidenceAppraisal
  release?: ReleaseStatement
  share?: NonNullable<CustodyVerdict['share']>
}

const isRecovery = (binding: CustodyEvidence['binding']): binding is RecoveryBinding =>
  'recoveryKey' in binding

const CHECKS: readonly Check<Facts>[] = [
  {
    name: 'log.fresh',
    title: 'Enough witnesses saw the log as it is now',
    needs: [],
    run({ checkpoint, policy, now }) {
      const age = requireFresh(checkpoint.time, now, policy.checkpointMaxAgeSeconds)
      return { found: `${checkpoint.size} entries, ${Math.max(0, age)} s ago` }
    },
  },
  {
    name: 'genesis.pinned',
    title: 'The log holds the genesis your policy pins, and the KMS claims no other',
    needs: [],
    run({ history, kms: { binding }, policy }) {
      if (history.genesis === undefined) throw new Refusal('the log does not hold it', policy.genesis)
      if (binding.genesis !== policy.genesis)
        throw new Refusal('the KMS is another one', policy.genesis, binding.genesis)
      return { adds: { genesis: true }, found: policy.genesis }
    },
  },
  {
    name: 'kms.evidence',
    title: 'The KMS runs on hardware the policy accepts, and its evidence is bound to the key that asks',
    needs: ['genesis'],
    run(facts) {
      const appraisal = appraise(facts, facts.policy.platforms)
      if (!appraisal.admitted)
        throw new Refusal('no platform of the policy admits it', undefined, refusalText(appraisal))
      const families = facts.kms.evidence.map(({ family }) => family).join(' with ')
      return { adds: { appraisal }, found: `${families}, admitted as ${appraisal.tuple}` }
    },
  },
  {
    name: 'kms.evidence-fresh',
    title: 'The evidence is younger than a recent witnessed checkpoint of this log',
    needs: ['genesis'],
    run({ kms, policy, checkpoint, extends: isPart, now }) {
      const bound = verifyUnder(policy, kms.boundCheckpoint)
      if (bound.digest !== kms.binding.checkpoint)
        throw new Refusal('bound to another checkpoint', bound.digest, kms.binding.checkpoint)
      const age = requireFresh(bound.time, now, policy.checkpointMaxAgeSeconds)
      if (bound.size > checkpoint.size || !isPart(bound))
        throw new Refusal('the bound checkpoint is of another history of the log')
      return { found: `${Math.max(0, age)} s` }
    },
  },
  {
    name: 'kms.measurement',
    title: 'What the hardware measured is an accepted, unrevoked release of the KMS in the log',
    needs: ['appraisal'],
    run(facts) {
      const statements = facts.history.releases.flatMap((logged) => readRelease(logged, facts.policy))
      const judged = statements.map((statement) => ({ statement, evidence: appraiseAs(statement, facts) }))
      const covering = judged.filter(({ evidence }) => evidence.admitted)
      const release = requireRelease(
        covering.map(({ statement }) => statement),
        {
          role: 'kms',
          expected: statements.map(describeRelease).join(' or ') || 'a release of role kms',
          found: judged.map(({ evidence }) => refusalText(evidence)).join(' | '),
          names: covering.map(({ evidence }) => evidence.tuples.at(-1)?.pieces.map(({ fields }) => fields)),
        },
        facts.policy,
      )
      return { adds: { release }, found: describeRelease(release) }
    },
  },
  {
    name: 'kms.asks',
    title: 'The key that asks is in the log: certified by the root key, or a session of this genesis',
    needs: ['genesis'],
    run({ history, kms: { binding } }) {
      if (!isRecovery(binding)) {
        if (!history.statementKeys.includes(binding.signingKey))
          throw new Refusal('the statement key is not certified', undefined, binding.signingKey)
        return { found: 'a running KMS' }
      }
      const session = history.sessions.find(
        ({ document }) => document.recoveryKey === binding.recoveryKey && document.nonce === binding.nonce,
      )
      if (session === undefined) throw new Refusal('the recovery session is not in the log')
      return { found: `recovery session at index ${session.index}` }
    },
  },
  {
    name: 'custody.share',
    title: 'The newest shares in the log include yours, and the KMS asks for no others',
    needs: ['genesis'],
    run({ history, kms: { binding }, custodian, generation }) {
      const set = history.shareSet
      if (set === undefined) throw new Refusal('the log holds no shares of the root key in force')
      // Given away are only shares of the root key in force; the next one waits until its own are opened and acknowledged.
      const newest = isRecovery(binding) ? history.newest : history.offered
      const shown = [set, newest].find((one) => one?.document.generation === generation)
      if (shown === undefined)
        throw new Refusal('the KMS shows another generation', `${set.document.generation}`, `${generation}`)
      const sealed = shown.document.shares.find(({ key }) => key === custodian)
      if (sealed === undefined)
        throw new Refusal('none of its shares is sealed to your key', undefined, custodian)
      const { threshold, shares } = shown.document
      return {
        adds: { share: { set: shown, sealed } },
        found: `share ${sealed.index}, generation ${generation}, ${threshold} of ${shares.length}`,
      }
    },
  },
]

/** Names of all steps, in order. */
export const CUSTODY_STEPS: readonly string[] = CHECKS.map(({ name }) => name)

/**
 * Decides whether a custodian may open its share for a KMS (T15): the pinned genesis, fresh evidence of an
 * accepted release on accepted hardware, bound to a key that the log holds, and the newest shares. Pure: what
 * the log says was read and proven by the caller; the operator chose everything else.
 */
export function verifyCustody(question: CustodyQuestion): CustodyVerdict {
  const facts: Facts = { ...question }
  const { ok, steps } = runChecks(CHECKS, facts)
  return ok ? { ok, steps, share: facts.share! } : { ok, steps }
}

function appraise({ kms, policy, now }: Facts, anyOf: TrustPolicy['platforms']): EvidenceAppraisal {
  const { binding } = kms
  const expectedReportData = isRecovery(binding) ? bindRecovery(binding) : bindReportData('kms', binding)
  const pieces = evidencePieces(kms.evidence)
  return appraiseEvidence(pieces, platformPolicy(policy, anyOf), {
    at: now,
    expectedReportData,
    boundAt: now,
  })
}

/** The evidence judged as that of one release, on the platform that admitted it and no other. */
function appraiseAs(statement: ReleaseStatement, facts: Facts): EvidenceAppraisal {
  const { family } = statement.predicate.evidence
  const platforms = facts.policy.platforms.filter(
    (platform) => platform.name === facts.appraisal!.tuple && programOf(platform)?.family === family,
  )
  return appraise(
    facts,
    platforms.map((platform) => withRelease(platform, statement)),
  )
}

/** A release the log holds, if it is signed by a key of the custodian's own policy and means something. */
function readRelease({ envelope }: LoggedStatement, { releaseKeys }: TrustPolicy): ReleaseStatement[] {
  try {
    const parsed = parseDsse(utf8(envelope))
    const { payload } = verifyDsse(parsed, PAYLOAD_TYPES.release, releaseKeys.map(fromBase64Url))
    const statement = decodeDocument(payload, releaseStatementDecoder, 'release')
    return findReleaseDefect(statement) === undefined ? [statement] : []
  } catch {
    return []
  }
}
