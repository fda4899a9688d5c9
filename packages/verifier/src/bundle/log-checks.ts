import { equalBytes, toHex, utf8 } from '@sotto/protocol/bytes'
import { proofHashes, type ProvenStatement } from '@sotto/protocol/evidence'
import { leafHash, verifyConsistency, verifyInclusion } from '@sotto/protocol/merkle'
import {
  cosignatureTime,
  isSignedBy,
  parseCheckpoint,
  parseNote,
  parseVerifierKey,
  verifyCheckpoint,
  type Checkpoint,
  type CheckpointRequirements,
  type VerifiedCheckpoint,
} from '@sotto/protocol/note'
import type { StepName, TrustPolicy } from '../policy/index.ts'
import type { Facts } from './facts.ts'
import { Refusal, Skip, type Check } from '../checks/index.ts'

/** Clocks of honest parties differ by less. */
export const CLOCK_SKEW_SECONDS = 300

/** Keys of at least so many organisations ship in a policy (T14). */
const MIN_INDEPENDENT_ORGANISATIONS = 2

/** Witnesses whose cosignatures count for the quorum under this policy (T14). */
function countedWitnesses(policy: Pick<TrustPolicy, 'witnesses'>): string[] {
  return policy.witnesses.keys
    .filter(({ operator }) => !operator || policy.witnesses.allowOperatorWitnesses)
    .map(({ key }) => key)
}

/** A note verified under the policy's log key and witness quorum. */
export function verifyUnder(
  policy: Pick<TrustPolicy, 'log' | 'witnesses'>,
  note: string,
): VerifiedCheckpoint {
  return verifyCheckpoint(note, requirementsOf(policy))
}

/** What a policy asks of a checkpoint. */
export function requirementsOf(policy: Pick<TrustPolicy, 'log' | 'witnesses'>): CheckpointRequirements {
  return {
    origin: policy.log.origin,
    logKey: policy.log.key,
    witnessKeys: countedWitnesses(policy),
    quorum: policy.witnesses.quorum,
  }
}

/** Age in seconds by witness time, refused when it lies in the future or is too old (T6). */
export function requireFresh(time: number, now: number, maxAgeSeconds: number): number {
  const age = now - time
  // Written so that a time that is no number is refused too.
  if (!(age >= -CLOCK_SKEW_SECONDS))
    throw new Refusal(
      'witness time lies in the future; check this clock',
      `at most ${CLOCK_SKEW_SECONDS} s ahead`,
      `${-age} s ahead`,
    )
  if (!(age <= maxAgeSeconds)) throw new Refusal('too old', `at most ${maxAgeSeconds} s`, `${age} s`)
  return age
}

/** The envelope's exact bytes are a leaf of the checkpoint's tree. @throws `MERKLE_INCLUSION` */
export function requireLogged(statement: ProvenStatement, checkpoint: Checkpoint): void {
  verifyInclusion(
    leafHash(utf8(statement.envelope)),
    statement.index,
    checkpoint.size,
    proofHashes(statement.proof),
    checkpoint.root,
  )
}

export const LOG_CHECKS: readonly Check<Facts, StepName>[] = [
  {
    name: 'log.checkpoint',
    title: 'The transparency log signed this state of itself',
    needs: [],
    run({ bundle, policy }) {
      const note = parseNote(bundle.checkpoint)
      const checkpoint = parseCheckpoint(note.text)
      if (checkpoint.origin !== policy.log.origin)
        throw new Refusal('checkpoint is of another log', policy.log.origin, checkpoint.origin)
      if (!isSignedBy(note, parseVerifierKey(policy.log.key)))
        throw new Refusal('checkpoint is not signed by the log key', policy.log.key)
      return {
        adds: { note, unwitnessed: checkpoint },
        found: `${checkpoint.origin}, ${checkpoint.size} entries`,
      }
    },
  },
  {
    name: 'log.witnesses',
    title: 'Enough witnesses saw the same state, recently',
    needs: ['note'],
    run({ bundle, policy, context }) {
      const checkpoint = verifyUnder(policy, bundle.checkpoint)
      const age = requireFresh(checkpoint.time, context.now, policy.checkpointMaxAgeSeconds)
      return {
        adds: { checkpoint },
        expected: `${policy.witnesses.quorum} within ${policy.checkpointMaxAgeSeconds} s`,
        found: `${checkpoint.witnessTimes.size}, ${Math.max(0, age)} s ago`,
      }
    },
  },
  {
    name: 'log.witnesses-independent',
    title: 'The witnesses are not run by the operator',
    needs: ['note'],
    maySkip: true,
    run({ note, policy, context }) {
      const { keys, quorum, allowOperatorWitnesses } = policy.witnesses
      const independent = keys.filter(({ operator }) => !operator)
      const cosigned = new Set<string>()
      for (const { key, organisation } of independent) {
        // Two witnesses of one organisation and an old cosignature of another are one organisation now.
        const age = context.now - (cosignatureTime(note, parseVerifierKey(key)) ?? 0)
        if (age <= policy.checkpointMaxAgeSeconds) cosigned.add(organisation)
      }
      const named = new Set(independent.map(({ organisation }) => organisation)).size
      const expected = `${quorum} of at least ${MIN_INDEPENDENT_ORGANISATIONS} independent organisations`
      if (named >= MIN_INDEPENDENT_ORGANISATIONS && cosigned.size >= quorum)
        return { expected, found: [...cosigned].join(', ') }
      if (allowOperatorWitnesses)
        throw new Skip(
          'this policy accepts witnesses run by the operator: a split view of the log would go unnoticed',
        )
      throw new Refusal(
        'too few independent organisations cosigned',
        expected,
        `${cosigned.size} of ${named}`,
      )
    },
  },
  {
    name: 'log.consistency',
    title: 'The log only grew since this client last looked',
    needs: ['checkpoint'],
    maySkip: true,
    run({ checkpoint, context }) {
      const last = context.lastCheckpoint
      if (!last || last.size === 0) throw new Skip('this client looks for the first time: nothing to compare')
      if (last.size === checkpoint.size) {
        if (!equalBytes(last.root, checkpoint.root))
          throw new Refusal(
            'same size, another root: the log shows different people different things',
            toHex(last.root),
            toHex(checkpoint.root),
          )
        return { adds: { newest: last }, found: `the same ${last.size} entries` }
      }
      // A bundle from a cache may be a little older than what this client saw; it must be a part of it.
      const [older, newer] = last.size < checkpoint.size ? [last, checkpoint] : [checkpoint, last]
      if (!context.consistency)
        throw new Refusal(
          last.size < checkpoint.size ? 'no proof that the log only grew' : 'the log shrank',
          `a consistency proof from ${older.size} to ${newer.size} entries`,
          'none',
        )
      verifyConsistency(older.size, older.root, newer.size, newer.root, context.consistency)
      return {
        adds: { newest: { size: newer.size, root: newer.root } },
        found: `${older.size} entries are the beginning of ${newer.size}`,
      }
    },
  },
]
