import type { TrustBundle } from '@sotto/protocol/evidence'
import {
  describeApp,
  type EvidenceFamily,
  type KeyReleasePolicy,
  type KeySet,
  type ReleaseStatement,
} from '@sotto/protocol/keyrelease'
import { FAMILY_REGISTRY } from '../appraisal/index.ts'
import { verifierError } from '../errors.ts'
import { findRequireDefect, type TrustPolicy } from '../policy/index.ts'
import type { Step, Verdict } from '../result.ts'
import type { BundleContext, Facts, UsableKey } from './facts.ts'
import { KEY_CHECKS } from './key-checks.ts'
import { KMS_CHECKS } from './kms-checks.ts'
import { LOG_CHECKS } from './log-checks.ts'
import { NONCE_CHECK } from './nonce-check.ts'
import { runChecks } from '../checks/index.ts'

/** Every step, in the order of the chain of trust. */
const CHECKS = [...LOG_CHECKS, ...KMS_CHECKS, ...KEY_CHECKS]
/** The same for a caller who asked for evidence of now: behind `kms.binding`, on which it builds. */
const CHECKS_WITH_NONCE = CHECKS.flatMap((check) =>
  check.name === 'kms.binding' ? [check, NONCE_CHECK] : [check],
)

/** What an accepted bundle establishes. */
export interface TrustedService {
  /** Digest of the genesis. */
  genesis: string
  /** The largest tree seen: remember it, the next bundle must be consistent with it. */
  checkpoint: { size: number; root: Uint8Array }
  /** KMS statement key, 32 bytes. */
  signingKey: Uint8Array
  /** X-Wing key for artifact content keys, base64url. */
  importKey: string
  keySet: KeySet
  /** The key-release policy in force. */
  keyPolicy: KeyReleasePolicy
  keyPolicyDigest: string
  /** Per tuple of it whose role gets requests, every accepted release statement that covers it. */
  workloads: ReadonlyMap<string, readonly ReleaseStatement[]>
  /** The same of rooms: see `verifyRoom`. */
  rooms: ReadonlyMap<string, readonly ReleaseStatement[]>
  /** Valid now, most preferred key encapsulation first. At least one. */
  keys: UsableKey[]
}

/** The verdict, and what it opens: `service` exists only when `verdict.ok`. */
export interface BundleResult {
  verdict: Verdict
  service?: TrustedService
}

/**
 * Checks everything a client must know before it sends one byte (ARCHITECTURE.md, "The chain of
 * trust"): pure, offline, every refusal collected. The operator composed the bundle; the policy is
 * the caller's own.
 *
 * @example
 * const { verdict, service } = verifyTrustBundle(parseTrustBundle(bytes), policy, { now })
 * if (!service) throw refuse(verdict)
 *
 * @throws `POLICY_MALFORMED` (fix-input) for a policy that was not parsed and whose list of required steps
 * is incomplete or names an unknown one
 */
export function verifyTrustBundle(
  bundle: TrustBundle,
  policy: TrustPolicy,
  context: BundleContext,
): BundleResult {
  // A program may bring a policy that no parser saw: a name nobody knows must not just be without effect.
  const defect = findRequireDefect(policy.require)
  if (defect !== undefined) throw verifierError('POLICY_MALFORMED', `trust policy is malformed: ${defect}`)
  const facts: Facts = { bundle, policy, context }
  const checks = context.nonce === undefined ? CHECKS : CHECKS_WITH_NONCE
  const { ok, steps } = runChecks(checks, facts, policy.require)
  const families = familiesOf(facts)
  const software = families.includes('software')
  const verdict: Verdict = {
    ok,
    steps: steps.map(sayWhoRequires),
    software,
    trustedParties: trustedParties(facts, families),
    validUntil: ok ? validUntil(facts as Established) : context.now,
  }
  return ok ? { verdict, service: describe(facts as Established) } : { verdict }
}

function sayWhoRequires(step: Step): Step {
  if (step.status === 'pass' || !step.required || step.expected !== undefined) return step
  return { ...step, expected: 'required by the policy' }
}

/** All facts but the one only a second look has. */
type Established = Required<Omit<Facts, 'newest'>> & Pick<Facts, 'newest'>

function describe(facts: Established): TrustedService {
  const { size, root } = facts.newest ?? facts.checkpoint
  return {
    genesis: facts.genesisDigest,
    checkpoint: { size, root },
    signingKey: facts.signingKey,
    importKey: facts.bundle.kms.binding.importKey,
    keySet: facts.keySet,
    keyPolicy: facts.keyPolicy,
    keyPolicyDigest: facts.keyPolicyDigest,
    workloads: facts.workloads,
    rooms: facts.rooms,
    keys: facts.usableKeys,
  }
}

/** The shortest validity of anything the verdict rests on. */
function validUntil({
  checkpoint,
  boundCheckpoint,
  certificateNotAfter,
  usableKeys,
  evidence,
  policy,
  context,
}: Established): number {
  return Math.min(
    // A witness whose clock is ahead makes nothing last longer.
    Math.min(checkpoint.time, context.now) + policy.checkpointMaxAgeSeconds,
    Math.min(boundCheckpoint.time, context.now) + policy.evidenceMaxAgeSeconds,
    certificateNotAfter,
    evidence.validUntil ?? Infinity,
    // The key a client prefers; when it ends, the next verdict prefers another.
    usableKeys[0]!.notAfter,
  )
}

/** Kinds of evidence that take part: that of the KMS, and all by which its keys may be released. */
function familiesOf({ bundle, keyPolicy }: Facts): EvidenceFamily[] {
  const tuples = (keyPolicy?.anyOf ?? []).flatMap(({ allOf }) => allOf)
  return [...new Set([...bundle.kms.evidence, ...tuples].map(({ family }) => family))]
}

function trustedParties(
  { policy, evidence, workloads }: Facts,
  families: readonly EvidenceFamily[],
): string[] {
  const hardware = families.flatMap((family) => FAMILY_REGISTRY.get(family)!.trustedParties)
  const apps = [...(workloads?.values() ?? [])].flat().flatMap(({ predicate: { app } }) => app ?? [])
  return [
    ...new Set([...(evidence?.trustedParties ?? []), ...hardware]),
    ...new Set(apps.map((app) => `the app ${describeApp(app)}, which sees requests`)),
    `the holder of ${policy.releaseKeys.length === 1 ? 'the release key' : 'one of the release keys'}`,
    `the log ${policy.log.origin} or ${policy.witnesses.quorum} of its witnesses: ${[...new Set(policy.witnesses.keys.map(({ organisation }) => organisation))].join(', ')}`,
  ]
}
