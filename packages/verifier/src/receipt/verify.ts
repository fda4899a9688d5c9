import { fromBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import { parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import {
  decodeDocument,
  documentDigest,
  genesisDecoder,
  kmsCertificateDecoder,
  PAYLOAD_TYPES,
  releaseReceiptDecoder,
  type Genesis,
  type KmsCertificate,
  type ReleaseReceipt,
} from '@sotto/protocol/keyrelease'
import type { VerifiedCheckpoint } from '@sotto/protocol/note'
import {
  inferenceReceiptDecoder,
  requestDigest,
  responseDigest,
  type InferenceReceipt,
  type SavedReceipt,
} from '@sotto/protocol/receipts'
import { requireLogged, verifyUnder } from '../bundle/log-checks.ts'
import { Refusal, runChecks, Skip, type Check } from '../bundle/steps.ts'
import type { TrustPolicy } from '../policy/index.ts'
import type { Step } from '../result.ts'

/** What the holder of a receipt sent and got, to compare with its digests. Either may be missing. */
export interface ReceiptSubject {
  request?: { method: string; path: string; contentType: string; body: Iterable<Uint8Array> }
  response?: { status: number; contentType: string; body: Iterable<Uint8Array> }
}

/** Outcome: every step, and the receipt's statement when its signature holds. */
export interface ReceiptResult {
  ok: boolean
  steps: Step[]
  receipt?: InferenceReceipt
  /** Who answered, as the KMS admitted it. */
  release?: ReleaseReceipt
}

interface Facts {
  saved: SavedReceipt
  policy: Pick<TrustPolicy, 'genesis' | 'log' | 'witnesses'>
  subject: ReceiptSubject
  checkpoint?: VerifiedCheckpoint
  genesis?: Genesis
  certificate?: KmsCertificate
  release?: ReleaseReceipt
  receipt?: InferenceReceipt
}

const CHECKS: readonly Check<Facts>[] = [
  {
    name: 'receipt.checkpoint',
    title: 'Log and witnesses signed the state all proofs lead to',
    needs: [],
    run({ saved, policy }) {
      const checkpoint = verifyUnder(policy, saved.certificate.checkpoint)
      return { adds: { checkpoint }, found: `${checkpoint.size} entries` }
    },
  },
  {
    name: 'receipt.genesis',
    title: 'The KMS is the one the policy pins',
    needs: ['checkpoint'],
    run({ saved, policy, checkpoint }) {
      const envelope = parseDsse(utf8(saved.certificate.genesis.envelope))
      const digest = documentDigest(envelope.payload)
      if (digest !== policy.genesis) throw new Refusal('another genesis', policy.genesis, digest)
      const genesis = decodeDocument(envelope.payload, genesisDecoder, 'genesis')
      verifyDsse(envelope, PAYLOAD_TYPES.genesis, [fromBase64Url(genesis.rootKey)])
      requireLogged(saved.certificate.genesis, checkpoint)
      return { adds: { genesis }, found: digest }
    },
  },
  {
    name: 'receipt.kms-certificate',
    title: 'The KMS statement key is certified and logged',
    needs: ['genesis', 'checkpoint'],
    run({ saved, policy, genesis, checkpoint }) {
      const proven = saved.certificate.certificate
      const { payload } = verifyDsse(parseDsse(utf8(proven.envelope)), PAYLOAD_TYPES.kmsCertificate, [
        fromBase64Url(genesis.rootKey),
      ])
      requireLogged(proven, checkpoint)
      const certificate = decodeDocument(payload, kmsCertificateDecoder, 'certificate')
      if (certificate.genesis !== policy.genesis)
        throw new Refusal('certificate is of another genesis', policy.genesis, certificate.genesis)
      return { adds: { certificate } }
    },
  },
  {
    name: 'receipt.release',
    title: 'The KMS released keys to this enclave, certified its receipt key and logged both',
    needs: ['certificate', 'checkpoint'],
    run({ saved, policy, certificate, checkpoint }) {
      const proven = saved.certificate.release
      const { payload } = verifyDsse(parseDsse(utf8(proven.envelope)), PAYLOAD_TYPES.releaseReceipt, [
        fromBase64Url(certificate.signingKey),
      ])
      requireLogged(proven, checkpoint)
      const release = decodeDocument(payload, releaseReceiptDecoder, 'release')
      if (release.genesis !== policy.genesis)
        throw new Refusal('release is of another genesis', policy.genesis, release.genesis)
      if (release.issuedAt < certificate.notBefore || release.issuedAt > certificate.notAfter)
        throw new Refusal(
          'release was made outside the life of the KMS statement key',
          `${certificate.notBefore} to ${certificate.notAfter}`,
          `${release.issuedAt}`,
        )
      return { adds: { release }, found: `tuple ${release.tuple}, epoch ${release.epoch}` }
    },
  },
  {
    name: 'receipt.signature',
    title: 'The enclave signed this receipt',
    needs: ['release', 'checkpoint'],
    run({ saved, policy, release, checkpoint }) {
      const { payload } = verifyDsse(parseDsse(utf8(saved.envelope)), PAYLOAD_TYPES.inferenceReceipt, [
        fromBase64Url(release.receiptKey),
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

/**
 * Verifies a saved receipt offline, years later: the chain from the pinned genesis to the enclave's
 * receipt key, each link logged, and the salted digests against what the holder kept. Says nothing
 * about time but "after checkpoint N": hardware has no clock.
 *
 * `ok` speaks of what was given: a step whose request or answer is missing is skipped, and a receipt
 * without both is authentic but not yet known to be about yours. Which tuple admitted the enclave is
 * in `release`; whether its policy is acceptable was judged with the trust bundle, by its digest.
 */
export function verifyReceipt(
  saved: SavedReceipt,
  policy: Facts['policy'],
  subject: ReceiptSubject = {},
): ReceiptResult {
  const facts: Facts = { saved, policy, subject }
  const { ok, steps } = runChecks(CHECKS, facts)
  return {
    ok,
    steps,
    ...(facts.receipt && { receipt: facts.receipt }),
    ...(facts.release && { release: facts.release }),
  }
}

function requireDigest(expected: string, found: string): void {
  if (expected !== found) throw new Refusal('digest differs', expected, found)
}
