import { utf8 } from '@sotto/protocol/bytes'
import { parseDsse } from '@sotto/protocol/dsse'
import {
  composeTrustBundle,
  encodeTrustBundle,
  type KmsState as PublishedKms,
  parseTrustBundle,
  type TrustBundle,
} from '@sotto/protocol/evidence'
import { followConstitutions, genesisInForce, verifyDecision } from '@sotto/protocol/governance'
import {
  decodeDocument,
  documentDigest,
  type Ed25519Key,
  genesisDecoder,
  type KeyReleasePolicy,
} from '@sotto/protocol/keyrelease'
import type { LogClient, WitnessedCheckpoint } from '@sotto/serve/log-client'
import {
  ALWAYS_REQUIRED,
  refusingSteps,
  type TrustedService,
  type TrustPolicy,
  verifyTrustBundle,
} from '@sotto/verifier'
import type { KmsConfig } from '../config/index.ts'
import { kmsError } from '../errors.ts'
import { keyAfter } from '../root/in-force.ts'
import { kmsPlatforms, kmsReleases, releaseOf } from './own-release.ts'

/** A running KMS that passed every step. */
export interface VerifiedPeer {
  service: TrustedService
  /** The root key in force. */
  rootKey: Ed25519Key
  generation: number
  securityVersion: number
}

/**
 * Verifies the KMS that is to hand over as a client does: the genesis the configuration pins, evidence, measurement,
 * log and key set, each by what is measured here or what enough members accepted. No operator's word is in it.
 * @throws `KMS_PEER_REFUSED` naming the failed steps; those of the log client
 */
export async function verifyPeer(
  state: PublishedKms,
  checkpoint: WitnessedCheckpoint,
  log: LogClient,
  config: KmsConfig,
  now: number,
): Promise<VerifiedPeer> {
  const bundle = await compose(state, checkpoint, log)
  let accepted: ReturnType<typeof readAccepted>
  try {
    accepted = readAccepted(bundle, config)
  } catch (cause) {
    throw refused(
      'what the running KMS publishes is not of the pinned genesis',
      (cause as Error).message,
      cause,
    )
  }
  const { keyPolicy, rootKey } = accepted
  const { verdict, service } = verifyTrustBundle(bundle, trustPolicyOf(accepted, bundle, config), { now })
  if (service === undefined) {
    const refusing = refusingSteps(verdict.steps).map(({ name, reason }) => `${name}: ${reason}`)
    throw refused('the running KMS does not pass', refusing.join('; '))
  }
  // A platform for workloads alone is none for a KMS.
  const release = releaseOf(bundle.kms, keyPolicy, kmsReleases(bundle.releases), now)
  if (release === undefined) throw refused('the running KMS is no release that members accepted')
  const generation = (bundle.roots ?? []).length + 1
  return { service, rootKey, generation, securityVersion: release.predicate.securityVersion }
}

async function compose(
  state: PublishedKms,
  checkpoint: WitnessedCheckpoint,
  log: LogClient,
): Promise<TrustBundle> {
  try {
    const composed = await composeTrustBundle(state, checkpoint.note, {
      inclusion: (entry, index) => log.proveInclusion(entry, index, checkpoint),
      consistency: (older) => log.proveConsistency(older, checkpoint),
    })
    return parseTrustBundle(encodeTrustBundle(composed))
  } catch (cause) {
    if ((cause as { action?: unknown }).action === 'retry') throw cause
    throw refused('what the running KMS publishes does not hold together', (cause as Error).message, cause)
  }
}

/** What members decided, by the genesis that is pinned: nothing of it is proven to be in the log yet. */
function readAccepted(
  { genesis, governance, policy, roots = [] }: TrustBundle,
  { expectGenesis }: KmsConfig,
): { keyPolicy: KeyReleasePolicy; releaseKeys: Ed25519Key[]; rootKey: Ed25519Key } {
  const { payload } = parseDsse(utf8(genesis.envelope))
  const digest = documentDigest(payload)
  if (digest !== expectGenesis) throw new Error(`genesis ${digest}`)
  const document = decodeDocument(payload, genesisDecoder, 'genesis')
  const constitutions = followConstitutions(
    genesisInForce(document, digest),
    governance.map(({ envelope }) => utf8(envelope)),
  )
  const { proposal } = verifyDecision(utf8(policy.envelope), constitutions)
  if (proposal.kind !== 'key-release-policy') throw new Error(`a decision on ${proposal.kind}`)
  const newest = roots.at(-1)
  return {
    keyPolicy: proposal.body,
    releaseKeys: constitutions.at(-1)!.releaseKeys,
    rootKey: newest === undefined ? document.rootKey : keyAfter(newest),
  }
}

/** Log and witnesses as measured here; hardware and releases as members accepted them. */
function trustPolicyOf(
  { keyPolicy, releaseKeys }: ReturnType<typeof readAccepted>,
  { releases }: TrustBundle,
  { expectGenesis, log, witnesses }: KmsConfig,
): TrustPolicy {
  const kms = kmsReleases(releases).flatMap((release) => kmsPlatforms(keyPolicy, release))
  const workloads = keyPolicy.anyOf.map(({ role: _role, ...tuple }) => tuple)
  const { evidenceMaxAgeSeconds, collateralMaxAgeSeconds, revocationMaxAgeSeconds } = keyPolicy
  return {
    version: 1,
    name: 'handover',
    require: [...ALWAYS_REQUIRED],
    genesis: expectGenesis!,
    releaseKeys,
    revoked: [],
    minSecurityVersion: { kms: 0, inference: 0 },
    log: { origin: log.origin, key: log.key },
    witnesses: {
      keys: witnesses.keys.map((key, n) => ({ key, organisation: `witness ${n + 1}`, operator: false })),
      quorum: witnesses.quorum,
      allowOperatorWitnesses: false,
    },
    platforms: [...kms, ...workloads].map((tuple, n) => ({
      ...tuple,
      name: `${n}.${tuple.name}`.slice(0, 64),
    })),
    kems: ['X-Wing', 'X25519', 'P-384'],
    evidenceMaxAgeSeconds: Math.max(evidenceMaxAgeSeconds, MIN_EVIDENCE_SECONDS),
    ...(collateralMaxAgeSeconds !== undefined && { collateralMaxAgeSeconds }),
    ...(revocationMaxAgeSeconds !== undefined && { revocationMaxAgeSeconds }),
    checkpointMaxAgeSeconds: 3600,
  }
}

/** A KMS renews its own evidence at least every hour, whatever its policy asks of workloads. */
const MIN_EVIDENCE_SECONDS = 7200

function refused(message: string, found?: string, cause?: unknown): Error {
  return kmsError('KMS_PEER_REFUSED', message, {
    ...(found !== undefined && { found }),
    ...(cause !== undefined && { cause }),
  })
}
