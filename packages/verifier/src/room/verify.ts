import { bindReportData, type Digest, evidenceDigest } from '@sotto/protocol/keyrelease'
import type { RoomEvidence } from '@sotto/protocol/room'
import { appraiseEvidence } from '../appraisal/index.ts'
import { requireFresh, verifyUnder } from '../bundle/log-checks.ts'
import type { TrustedService } from '../bundle/index.ts'
import { type Check, Refusal, runChecks } from '../checks/index.ts'
import type { TrustPolicy } from '../policy/index.ts'
import type { Step } from '../result.ts'
import { admissionPolicyOf, evidencePieces, findRevoked, hardwareOf, refusalText } from '../workload/index.ts'

/** What the caller brings. */
export interface RoomContext {
  /** Of the verified bundle: which rooms its KMS would release keys to. */
  service: Pick<TrustedService, 'genesis' | 'keyPolicy' | 'rooms'>
  policy: Pick<TrustPolicy, 'log' | 'witnesses' | 'revoked'>
  /** Digests of images that a contract pins. Absent: any room of the deployment, which then gets nothing to compute on. */
  images?: readonly Digest[]
  /** Unix seconds. */
  now: number
}

/** A room whose every step passed. */
export interface VerifiedRoom {
  /** Tuple of the key-release policy that admits it. */
  tuple: string
  /** Digests of the images that release statements name for that tuple. */
  images: Digest[]
  hardware: string[]
  /** `evidenceDigest` of what it showed. */
  evidence: Digest
  /** X-Wing, base64url. */
  wrapKey: string
  /** Ed25519, base64url. */
  receiptKey: string
}

/** Every step, and the room that they established: only where none failed. */
export interface RoomResult {
  steps: Step[]
  room?: VerifiedRoom
}

interface Facts extends RoomContext {
  shown: RoomEvidence
  /** Witness time of the checkpoint that the evidence is bound to. */
  boundAt?: number
  admitted?: Pick<VerifiedRoom, 'tuple' | 'hardware'>
  pinned?: Digest[]
}

const ROOM_CHECKS: readonly Check<Facts>[] = [
  {
    name: 'room.checkpoint',
    title: 'The evidence was made over a recent state of the log that witnesses saw',
    needs: [],
    run({ shown, policy, service, now }) {
      const checkpoint = verifyUnder(policy, shown.checkpoint)
      if (checkpoint.digest !== shown.binding.checkpoint)
        throw new Refusal('bound to another checkpoint', checkpoint.digest, shown.binding.checkpoint)
      const { evidenceMaxAgeSeconds } = service.keyPolicy
      const age = requireFresh(checkpoint.time, now, evidenceMaxAgeSeconds)
      return {
        adds: { boundAt: checkpoint.time },
        expected: `at most ${evidenceMaxAgeSeconds} s`,
        found: `${Math.max(0, age)} s`,
      }
    },
  },
  {
    name: 'room.evidence',
    title: 'It is a room that the key-release policy admits, and the keys it names are its own',
    needs: ['boundAt'],
    run({ shown, service, policy: { revoked }, now, boundAt }) {
      if (shown.binding.genesis !== service.genesis)
        throw new Refusal('bound to another genesis', service.genesis, shown.binding.genesis)
      const policy = admissionPolicyOf(service.keyPolicy, 'room')
      const appraisal = appraiseEvidence(evidencePieces(shown.evidence), policy, {
        at: now,
        expectedReportData: bindReportData('enclave', shown.binding),
        boundAt,
      })
      const { tuple, tuples } = appraisal
      if (tuple === null)
        throw new Refusal(
          'no tuple of role room admits it',
          policy.anyOf.map(({ name }) => name).join(' or ') || 'a tuple of role room',
          refusalText(appraisal) || 'none',
        )
      const pieces = tuples.at(-1)?.pieces ?? []
      const bad = findRevoked(
        pieces.map(({ fields }) => fields),
        revoked,
      )
      if (bad !== undefined) throw new Refusal('the policy revokes what it reports', 'another', bad)
      const hardware = hardwareOf(pieces)
      return { adds: { admitted: { tuple, hardware } }, found: `${tuple} on ${hardware.join(', ')}` }
    },
  },
  {
    name: 'room.image',
    title: 'Its program is one that the contract pins',
    needs: ['admitted'],
    run({ admitted, service, images }) {
      const releases = service.rooms.get(admitted.tuple) ?? []
      const found = [...new Set(releases.map(({ subject }) => subject[0].digest.sha256))]
      if (found.length === 0) throw new Refusal('no release statement names its image')
      // Each statement that covers the tuple could be the one it runs.
      const stranger = images && found.find((image) => !images.includes(image))
      if (stranger !== undefined)
        throw new Refusal('the contract pins another program', images!.join(' or '), stranger)
      return { adds: { pinned: found }, found: found.join(', ') }
    },
  },
]

/**
 * Whether what a room shows is to be believed before anything is sent to it, or a party consents to a run in it: the
 * evidence is genuine, fresh, of a room that the deployment's KMS would release keys to, on a program that the contract
 * pins, and bound to exactly these keys. Pure and offline; every refusal is collected.
 * @param shown from anybody
 */
export function verifyRoom(shown: RoomEvidence, context: RoomContext): RoomResult {
  const facts: Facts = { ...context, shown }
  const { ok, steps } = runChecks(ROOM_CHECKS, facts)
  const { admitted, pinned } = facts
  if (!ok || admitted === undefined || pinned === undefined) return { steps }
  const { wrapKey, receiptKey } = shown.binding
  const evidence = evidenceDigest(shown.evidence)
  return { steps, room: { ...admitted, images: pinned, evidence, wrapKey, receiptKey } }
}
