import { toBase64Url, toHex } from '@sotto/protocol/bytes'
import type { TrustBundle } from '@sotto/protocol/evidence'
import type { InferenceReceipt, SavedReceipt } from '@sotto/protocol/receipts'
import { verifyUnder } from '../bundle/log-checks.ts'
import { type BundleResult, type TrustedService, verifyTrustBundle } from '../bundle/verify.ts'
import { type Check, Refusal, Skip } from '../checks/index.ts'
import type { TrustPolicy } from '../policy/index.ts'
import type { ChainFacts } from './chain.ts'

/** What the step about the bundle of a receipt builds on. */
export interface TrustFacts extends ChainFacts {
  saved: SavedReceipt
  receipt?: InferenceReceipt
  /** What the bundle established, where every one of its steps passed. */
  service?: TrustedService
}

/** A step of the bundle that compares with the past of a client: who reads a file has none. */
const NEEDS_A_PAST = 'log.consistency'

/**
 * Judges the bundle of a receipt as the client did that kept it: at the time by which witnesses had cosigned the bundle's own
 * checkpoint. Whoever composed the file cannot choose that time without a quorum of them, and certificates that expired
 * since, or were revoked since, say nothing about then.
 *
 * @param otherwise Unix seconds: for a bundle without a quorum, whose step about witnesses refuses it whatever else holds
 */
export function judgeTrust(trust: TrustBundle, policy: TrustPolicy, otherwise: number): BundleResult {
  const require = policy.require.filter((name) => name !== NEEDS_A_PAST)
  const now = witnessedTime(trust, policy) ?? otherwise
  return verifyTrustBundle(trust, { ...policy, require }, { now })
}

function witnessedTime({ checkpoint }: TrustBundle, policy: TrustPolicy): number | undefined {
  try {
    return verifyUnder(policy, checkpoint).time
  } catch {
    return undefined
  }
}

/** The step behind those of the bundle: it is the one of this receipt, not just a good one. */
const OF_THIS_RECEIPT: Check<TrustFacts> = {
  name: 'receipt.trust',
  title:
    'The bundle is of the KMS that released keys to this enclave, and of the key and policy of this receipt',
  needs: ['service', 'receipt', 'kms', 'checkpoint'],
  run({ saved, service, receipt, kms, checkpoint, policy }) {
    requireSame('genesis', policy.genesis, service.genesis)
    requireSame('KMS statement key', kms.signingKey, toBase64Url(service.signingKey))
    requireSame('key-release policy', receipt.policy, service.keyPolicyDigest)
    const { keyId } = receipt
    const keys = service.keySet.keys.filter((key) => key.policy === receipt.policy)
    if (!keys.some((key) => key.keyId === keyId))
      throw new Refusal(
        'the bundle has no such key under the policy of the receipt',
        `${keyId}`,
        keys.map((key) => key.keyId).join(', ') || 'none',
      )
    // The newest of a client that looks for the first time is the checkpoint of the bundle.
    const { size, root } = service.checkpoint
    if (size === checkpoint.size) requireSame('tree of the log', toHex(checkpoint.root), toHex(root))
    const { time } = verifyUnder(policy, saved.trust!.checkpoint)
    return { found: `judged as of ${new Date(time * 1000).toISOString().slice(0, 19)}Z` }
  },
}

/** Its stand-in where a receipt has no bundle: the step is there, and says what is not known. */
const WITHOUT_TRUST: Check<TrustFacts> = {
  name: 'receipt.trust',
  title: OF_THIS_RECEIPT.title,
  needs: ['receipt'],
  maySkip: true,
  run() {
    throw new Skip(
      'the receipt holds no trust bundle: the KMS vouches for the enclave, and nothing here says what hardware and code the KMS was',
    )
  },
}

/** The step about the bundle of this receipt, or about its absence. */
export function trustCheck({ trust }: SavedReceipt): Check<TrustFacts> {
  return trust === undefined ? WITHOUT_TRUST : OF_THIS_RECEIPT
}

function requireSame(what: string, expected: string, found: string): void {
  if (expected !== found) throw new Refusal(`the bundle is of another ${what}`, expected, found)
}
