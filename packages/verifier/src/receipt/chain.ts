import { fromBase64Url, utf8 } from '@sotto/protocol/bytes'
import { parseDsse, type PreparedVerifier, prepareVerifier, verifyDsse } from '@sotto/protocol/dsse'
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
import type { ReceiptCertificate } from '@sotto/protocol/receipts'
import { requireLogged, verifyUnder } from '../bundle/log-checks.ts'
import { followRoots } from '../bundle/roots.ts'
import { Refusal, runChecks, type Check } from '../checks/index.ts'
import type { TrustPolicy } from '../policy/index.ts'
import type { Step } from '../result.ts'

/** What of a policy decides about the chain behind receipts. */
export type ReceiptPolicy = Pick<TrustPolicy, 'genesis' | 'log' | 'witnesses'>

/** What a certificate establishes, as far as its checks passed. */
export interface ChainFacts {
  certificate: ReceiptCertificate
  policy: ReceiptPolicy
  checkpoint?: VerifiedCheckpoint
  genesis?: Genesis
  kms?: KmsCertificate
  release?: ReleaseReceipt
  /** The receipt key of {@link release}. */
  receiptKey?: PreparedVerifier
}

const CHAIN_CHECKS: readonly Check<ChainFacts>[] = [
  {
    name: 'receipt.checkpoint',
    title: 'Log and witnesses signed the state all proofs lead to',
    needs: [],
    run({ certificate, policy }) {
      const checkpoint = verifyUnder(policy, certificate.checkpoint)
      return { adds: { checkpoint }, found: `${checkpoint.size} entries` }
    },
  },
  {
    name: 'receipt.genesis',
    title: 'The KMS is the one the policy pins',
    needs: ['checkpoint'],
    run({ certificate, policy, checkpoint }) {
      const envelope = parseDsse(utf8(certificate.genesis.envelope))
      const digest = documentDigest(envelope.payload)
      if (digest !== policy.genesis) throw new Refusal('another genesis', policy.genesis, digest)
      const genesis = decodeDocument(envelope.payload, genesisDecoder, 'genesis')
      verifyDsse(envelope, PAYLOAD_TYPES.genesis, [fromBase64Url(genesis.rootKey)])
      requireLogged(certificate.genesis, checkpoint)
      return { adds: { genesis }, found: digest }
    },
  },
  {
    name: 'receipt.kms-certificate',
    title: 'The KMS statement key is certified and logged',
    needs: ['genesis', 'checkpoint'],
    run({ certificate, policy, genesis, checkpoint }) {
      const proven = certificate.certificate
      const { payload } = verifyDsse(parseDsse(utf8(proven.envelope)), PAYLOAD_TYPES.kmsCertificate, [
        fromBase64Url(
          followRoots({ digest: policy.genesis, rootKey: genesis.rootKey }, certificate.roots, checkpoint),
        ),
      ])
      requireLogged(proven, checkpoint)
      const kms = decodeDocument(payload, kmsCertificateDecoder, 'certificate')
      if (kms.genesis !== policy.genesis)
        throw new Refusal('certificate is of another genesis', policy.genesis, kms.genesis)
      return { adds: { kms } }
    },
  },
  {
    name: 'receipt.release',
    title: 'The KMS released keys to this enclave, certified its receipt key and logged both',
    needs: ['kms', 'checkpoint'],
    run({ certificate, policy, kms, checkpoint }) {
      const proven = certificate.release
      const { payload } = verifyDsse(parseDsse(utf8(proven.envelope)), PAYLOAD_TYPES.releaseReceipt, [
        fromBase64Url(kms.signingKey),
      ])
      requireLogged(proven, checkpoint)
      const release = decodeDocument(payload, releaseReceiptDecoder, 'release')
      if (release.genesis !== policy.genesis)
        throw new Refusal('release is of another genesis', policy.genesis, release.genesis)
      if (release.issuedAt < kms.notBefore || release.issuedAt > kms.notAfter)
        throw new Refusal(
          'release was made outside the life of the KMS statement key',
          `${kms.notBefore} to ${kms.notAfter}`,
          `${release.issuedAt}`,
        )
      const receiptKey = prepareVerifier(fromBase64Url(release.receiptKey))
      return { adds: { release, receiptKey }, found: `tuple ${release.tuple}, epoch ${release.epoch}` }
    },
  },
]

/** How the checks of one certificate ended, and what they established. */
export interface VerifiedChain {
  ok: boolean
  steps: readonly Step[]
  facts: Readonly<ChainFacts>
}

/**
 * The chain from the pinned genesis to an enclave's receipt key, each link logged. It is the same for
 * every answer of one release.
 */
export function verifyChain(certificate: ReceiptCertificate, policy: ReceiptPolicy): VerifiedChain {
  const facts: ChainFacts = { certificate, policy }
  return { ...runChecks(CHAIN_CHECKS, facts), facts }
}
