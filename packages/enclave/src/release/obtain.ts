import { fromBase64Url, toHex } from '@sotto/protocol/bytes'
import { type PreparedSigner } from '@sotto/protocol/dsse'
import {
  composeTrustBundle,
  encodeTrustBundle,
  parseTrustBundle,
  type TrustBundle,
} from '@sotto/protocol/evidence'
import {
  bindReportData,
  evidenceDigest,
  WRAP_SUITE,
  type Digest,
  type Ed25519Key,
  type EnclaveBinding,
  type Evidence,
  type LoggedStatement,
  type ReleasedApp,
  type ReleasedKeys,
  type ReleaseReceipt,
  type ReleaseResponse,
} from '@sotto/protocol/keyrelease'
import type { DataUse } from '@sotto/protocol/data-use'
import type { LogClient, WitnessedCheckpoint } from '@sotto/serve/log-client'
import type { TrustedHardware } from '@sotto/serve/tee'
import { refusingSteps, verifyTrustBundle, type TrustedService, type TrustPolicy } from '@sotto/verifier'
import { appraiseEvidence } from '@sotto/verifier/appraisal'
import { evidencePieces, platformPolicy, refusalText } from '@sotto/verifier/workload'
import type { HeldKey, ServingIdentity } from '../gateway/index.ts'
import { requireSameApp } from './app.ts'
import { enclaveBinding } from './binding.ts'
import { requireSameDataUse } from './data-use.ts'
import { releaseError } from './errors.ts'
import type { KmsClient } from './kms-client.ts'
import { contentKeys, checkReceipt, unwrap, requireEveryLiveKey, holdKey } from './judge-release.ts'

/** What obtaining keys needs. */
export interface ObtainContext {
  kms: KmsClient
  log: LogClient
  hardware: TrustedHardware
  policy: TrustPolicy
  /** Signs the receipts of this boot. */
  receiptKey: PreparedSigner
  /** Sealed artifacts whose content keys are wanted too. */
  artifacts: readonly string[]
  /** What this enclave may do with content, by its configuration (T20). */
  dataUse?: DataUse
  /** The app that this enclave runs, by its configuration (T20). */
  app?: ReleasedApp
  /** Unix seconds. */
  now(): number
  /** Told every verified time of the witnesses, before anything is judged by `now` (T13). */
  observe(witnessTime: number): void
}

/** What judging a KMS needs. */
export type JudgingContext = Pick<ObtainContext, 'kms' | 'log' | 'policy' | 'now' | 'observe'>

/** Everything one release gave. */
export interface Obtained {
  keys: HeldKey[]
  /** Content keys by artifact id. */
  artifacts: Map<string, Uint8Array>
  identity: ServingIdentity
  epoch: number
  receipt: LoggedStatement
  /** The statement key that signed `receipt`. */
  kmsKey: Uint8Array
}

/** A KMS that passed every step of this enclave's own policy. */
export interface VerifiedKms {
  service: TrustedService
  bundle: TrustBundle
  checkpoint: WitnessedCheckpoint
}

/**
 * Verifies the KMS exactly as a client does, under the measured policy (T1): another genuine KMS of
 * the operator, or one that would give out keys more freely, is refused.
 * @param nonce has the KMS make evidence for it, for an auditor who asks: 16 to 64 bytes, base64url
 * @throws `RELEASE_KMS_REFUSED` naming the failed steps
 */
export async function verifyKms(
  { kms, log, policy, now, observe }: JudgingContext,
  nonce?: string,
): Promise<VerifiedKms> {
  const state = await kms.state(nonce)
  const checkpoint = await log.latest()
  observe(checkpoint.time)
  let bundle: TrustBundle
  try {
    const composed = await composeTrustBundle(state, checkpoint.note, {
      inclusion: (entry, index) => log.proveInclusion(entry, index, checkpoint),
      consistency: (older) => log.proveConsistency(older, checkpoint),
    })
    bundle = parseTrustBundle(encodeTrustBundle(composed))
  } catch (cause) {
    if ((cause as { action?: unknown }).action === 'retry') throw cause
    throw releaseError('RELEASE_KMS_REFUSED', 'what the KMS publishes does not hold together', { cause })
  }
  const { verdict, service } = verifyTrustBundle(bundle, policy, {
    now: now(),
    ...(nonce !== undefined && { nonce }),
  })
  if (service) return { service, bundle, checkpoint }
  const refusing = refusingSteps(verdict.steps).map(({ name, reason }) => `${name}: ${reason}`)
  throw releaseError('RELEASE_KMS_REFUSED', 'the KMS does not pass the measured policy', {
    found: refusing.join('; '),
  })
}

/**
 * Obtains the private request keys: fresh evidence bound to a wrapping key of this one release, the
 * receipt key and the newest witnessed checkpoint, for a KMS that was verified first. Nothing that
 * is kept afterwards opens a recorded release.
 * @throws `RELEASE_KMS_REFUSED`, `RELEASE_KMS_UNREACHABLE`, `RELEASE_HARDWARE_REFUSED`, `RELEASE_DENIED`, `RELEASE_INVALID`,
 * `RELEASE_DATA_USE`, `RELEASE_APP`, those of log and hardware
 */
export async function obtainKeys(context: ObtainContext): Promise<Obtained> {
  const { service, checkpoint, response, receipt, released, evidence } = await requestRelease(context)
  const keys = released.keys.map(({ keyId, privateKey }) =>
    holdKey(keyId, fromBase64Url(privateKey), service),
  )
  requireEveryLiveKey(keys, service, receipt, context.now())
  return {
    keys,
    artifacts: contentKeys(released, receipt, context.artifacts),
    identity: {
      genesis: service.genesis,
      evidence,
      after: { size: checkpoint.size, root: toHex(checkpoint.root) },
      signer: context.receiptKey,
    },
    epoch: receipt.epoch,
    receipt: response.receipt,
    kmsKey: service.signingKey,
  }
}

/**
 * Obtains content keys alone, later in the life of an enclave: by the same evidence and the same judgement, with a
 * wrapping key of their own and a receipt in the log. The request keys that come with them are not kept.
 *
 * @param owner whose they have to be: anybody may name another's artifact in a statement of their own
 * @throws as {@link obtainKeys}; `RELEASE_DENIED` also where an artifact is unknown or its owner does not admit this
 * enclave; `RELEASE_INVALID` where the KMS has one of another owner
 */
export async function obtainArtifactKeys(
  context: ObtainContext,
  owner: Ed25519Key,
): Promise<Map<string, Uint8Array>> {
  const { released, receipt } = await requestRelease(context)
  const keys = contentKeys(released, receipt, context.artifacts)
  for (const artifact of receipt.artifacts ?? [])
    if (artifact.owner !== owner)
      throw releaseError('RELEASE_INVALID', 'the content key is of another owner', {
        expected: owner,
        found: artifact.owner,
      })
  return keys
}

/** One release that was judged: what it says is what the KMS signed for this evidence. */
interface JudgedRelease extends Pick<VerifiedKms, 'service' | 'checkpoint'> {
  response: ReleaseResponse
  receipt: ReleaseReceipt
  released: ReleasedKeys
  evidence: Digest
}

/** Evidence of this machine, bound to keys that were made here, and the KMS that was verified before. */
export interface BoundEvidence extends Pick<VerifiedKms, 'service' | 'checkpoint'> {
  binding: EnclaveBinding
  pieces: Evidence
}

/** What binding evidence needs, besides a KMS that was verified. */
export type BindingContext = Pick<ObtainContext, 'hardware' | 'policy' | 'now'>

/**
 * Collects evidence of this machine over the newest witnessed checkpoint, bound to two public keys, for a KMS that was
 * verified first, and judges it as others will.
 * @throws `RELEASE_KMS_REFUSED`, `RELEASE_KMS_UNREACHABLE`, `RELEASE_HARDWARE_REFUSED`, those of log and hardware
 */
export async function collectBound(
  context: JudgingContext & BindingContext,
  keys: BoundKeys,
): Promise<BoundEvidence> {
  return collectBoundFor(await verifyKms(context), context, keys)
}

/**
 * The same for a KMS that was verified just now, over the checkpoint of then.
 * @throws `RELEASE_HARDWARE_REFUSED`, those of the hardware
 */
export async function collectBoundFor(
  { service, checkpoint }: Pick<VerifiedKms, 'service' | 'checkpoint'>,
  context: BindingContext,
  { wrapKey, receiptKey }: BoundKeys,
): Promise<BoundEvidence> {
  const binding = enclaveBinding({
    genesis: service.genesis,
    wrapKey,
    receiptKey,
    checkpoint: checkpoint.digest,
  })
  const bound = bindReportData('enclave', binding)
  const pieces = await context.hardware.collectEvidence(bound)
  requireOwnEvidence(pieces, bound, checkpoint, context)
  return { service, checkpoint, binding, pieces }
}

/** Public keys that evidence is bound to. */
interface BoundKeys {
  wrapKey: Uint8Array
  receiptKey: Uint8Array
}

async function requestRelease(context: ObtainContext): Promise<JudgedRelease> {
  const wrap = WRAP_SUITE.kem.generate()
  const { service, checkpoint, binding, pieces } = await collectBound(context, {
    wrapKey: wrap.publicKey,
    receiptKey: context.receiptKey.publicKey,
  })
  const response = await context.kms.release({
    evidence: pieces,
    binding,
    checkpoint: checkpoint.note,
    artifacts: [...context.artifacts],
  })
  const evidence = evidenceDigest(pieces)
  const receipt = checkReceipt(response, service, evidence, binding.receiptKey)
  requireSameDataUse(service.workloads.get(receipt.tuple), context.dataUse)
  requireSameApp(service.workloads.get(receipt.tuple), context.app)
  const released = unwrap(response, wrap, { genesis: service.genesis, policy: receipt.policy, evidence })
  return { service, checkpoint, response, receipt, released, evidence }
}

/**
 * Judges this machine's own evidence under the measured policy before keys are asked for, or any plaintext is near:
 * a GPU that is not the one it should be, or runs other firmware, is found here, not by the KMS (T9).
 */
function requireOwnEvidence(
  evidence: Evidence,
  expectedReportData: Uint8Array,
  checkpoint: WitnessedCheckpoint,
  { policy, now }: BindingContext,
): void {
  const appraisal = appraiseEvidence(evidencePieces(evidence), platformPolicy(policy), {
    at: now(),
    expectedReportData,
    boundAt: checkpoint.time,
  })
  if (appraisal.admitted) return
  throw releaseError('RELEASE_HARDWARE_REFUSED', 'this machine does not pass the measured policy', {
    expected: policy.platforms.map(({ name }) => name).join(' or '),
    found: refusalText(appraisal),
  })
}
