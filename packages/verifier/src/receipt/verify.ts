import { fromBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import { parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import type { TrustBundle } from '@sotto/protocol/evidence'
import { decodeDocument, PAYLOAD_TYPES, type ReleaseReceipt } from '@sotto/protocol/keyrelease'
import {
  inferenceReceiptDecoder,
  requestDigest,
  responseDigest,
  type InferenceReceipt,
  type ReceiptCertificate,
  type SavedReceipt,
} from '@sotto/protocol/receipts'
import type { BundleResult } from '../bundle/verify.ts'
import { Refusal, runChecks, Skip, type Check } from '../checks/index.ts'
import type { TrustPolicy } from '../policy/index.ts'
import type { Step } from '../result.ts'
import { type ChainFacts, verifyChain, type VerifiedChain } from './chain.ts'
import { judgeTrust, trustCheck, type TrustFacts } from './trust.ts'

/** What the holder of a receipt sent and got, to compare with its digests. Either may be missing. */
export interface ReceiptSubject {
  request?: { method: string; path: string; contentType: string; body: Iterable<Uint8Array> }
  response?: { status: number; contentType: string; body: Iterable<Uint8Array> }
}

/** Outcome: every step, those of the receipt's bundle among them, and the receipt's statement when its signature holds. */
export interface ReceiptResult {
  ok: boolean
  steps: Step[]
  receipt?: InferenceReceipt
  /** Who answered, as the KMS admitted it. */
  release?: ReleaseReceipt
}

interface Facts extends TrustFacts {
  subject: ReceiptSubject
}

const RECEIPT_CHECKS: readonly Check<Facts>[] = [
  {
    name: 'receipt.signature',
    title: 'The enclave signed this receipt',
    needs: ['release', 'receiptKey', 'checkpoint'],
    run({ saved, policy, release, receiptKey, checkpoint }) {
      const { payload } = verifyDsse(parseDsse(utf8(saved.envelope)), PAYLOAD_TYPES.inferenceReceipt, [
        receiptKey,
      ])
      const receipt = decodeDocument(payload, inferenceReceiptDecoder, 'receipt')
      for (const [field, expected] of [
        ['genesis', policy.genesis],
        ['policy', release.policy],
        ['evidence', release.evidence],
      ] as const) {
        if (receipt[field] !== expected)
          throw new Refusal(`receipt names another ${field}`, expected, receipt[field])
      }
      if (!release.keyIds.includes(receipt.keyId))
        throw new Refusal(
          'receipt names a key this enclave was not given',
          release.keyIds.join(' or '),
          `${receipt.keyId}`,
        )
      const { size, root } = receipt.after
      if (size === checkpoint.size && root !== toHex(checkpoint.root))
        throw new Refusal('receipt names another tree of the log', toHex(checkpoint.root), root)
      return { adds: { receipt }, found: `model ${receipt.model}, after checkpoint ${receipt.after.size}` }
    },
  },
  {
    name: 'receipt.request',
    title: 'It is about the request you sent',
    needs: ['receipt'],
    maySkip: true,
    run({ saved, subject, receipt }) {
      if (!subject.request) throw new Skip('the request was not given')
      const digest = requestDigest(fromBase64Url(saved.salt), subject.request)
      for (const part of subject.request.body) digest.update(part)
      requireDigest(receipt.request, digest.digest())
    },
  },
  {
    name: 'receipt.response',
    title: 'It is about the answer you got',
    needs: ['receipt'],
    maySkip: true,
    run({ saved, subject, receipt }) {
      if (!subject.response) throw new Skip('the answer was not given')
      const digest = responseDigest(fromBase64Url(saved.salt), subject.response)
      for (const part of subject.response.body) digest.update(part)
      requireDigest(receipt.response, digest.digest())
    },
  },
]

/** Verifies receipts under one policy; see {@link verifyReceipt}. */
export type ReceiptVerifier = (saved: SavedReceipt, subject?: ReceiptSubject) => ReceiptResult

/**
 * A {@link verifyReceipt} for many receipts: what stands behind a `certificate` or a `trust` is verified once per
 * object, however many receipts share it. These objects must not be changed after first use.
 */
export function createReceiptVerifier(policy: TrustPolicy): ReceiptVerifier {
  const chains = new WeakMap<ReceiptCertificate, VerifiedChain>()
  const bundles = new WeakMap<TrustBundle, BundleResult>()
  const judge = (trust: TrustBundle, { checkpoint }: ChainFacts): BundleResult => {
    const judged = bundles.get(trust) ?? judgeTrust(trust, policy, checkpoint?.time ?? 0)
    // A refusal may come of a verifier that was not loaded yet.
    if (judged.verdict.ok) bundles.set(trust, judged)
    return judged
  }
  return (saved, subject = {}) => {
    const chain = chains.get(saved.certificate) ?? verifyChain(saved.certificate, policy)
    chains.set(saved.certificate, chain)
    const judged = saved.trust && judge(saved.trust, chain.facts)
    const facts: Facts = {
      ...chain.facts,
      saved,
      subject,
      ...(judged?.service && { service: judged.service }),
    }
    const own = runChecks(RECEIPT_CHECKS, facts)
    const trust = runChecks([trustCheck(saved)], facts)
    return {
      ok: chain.ok && own.ok && trust.ok && judged?.verdict.ok !== false,
      steps: [...chain.steps, ...own.steps, ...(judged?.verdict.steps ?? []), ...trust.steps],
      ...(facts.receipt && { receipt: facts.receipt }),
      ...(facts.release && { release: facts.release }),
    }
  }
}

/**
 * Verifies a saved receipt offline, years later: the chain from the pinned genesis to the enclave's
 * receipt key, each link logged, and the salted digests against what the holder kept. Says nothing
 * about time but "after checkpoint N": hardware has no clock.
 *
 * With `trust` the steps of its bundle follow, by their names: hardware, measurement and key-release policy, judged as of the
 * bundle's checkpoint (see {@link verifyTrustBundle}), and `receipt.trust`, which says that the bundle is this receipt's.
 *
 * `ok` speaks of what was given: a step whose request, answer or bundle is missing is skipped, and a receipt without
 * request and answer is authentic but not yet known to be about yours. One without a bundle rests on the word of the KMS.
 * Which tuple admitted the enclave is in `release`.
 *
 * In pages that load verifiers on demand a kind of evidence may be missing: `while (await loadMissingFamilies())` again.
 *
 * @throws `POLICY_MALFORMED` as {@link verifyTrustBundle}, for a receipt with `trust`
 */
export function verifyReceipt(
  saved: SavedReceipt,
  policy: TrustPolicy,
  subject: ReceiptSubject = {},
): ReceiptResult {
  return createReceiptVerifier(policy)(saved, subject)
}

function requireDigest(expected: string, found: string): void {
  if (expected !== found) throw new Refusal('digest differs', expected, found)
}
