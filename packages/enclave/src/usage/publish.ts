import { fromUtf8 } from '@sotto/protocol/bytes'
import { signDsse } from '@sotto/protocol/dsse'
import { type Digest, encodeDocument, type UnixSeconds } from '@sotto/protocol/keyrelease'
import { parseReceiptCertificate } from '@sotto/protocol/receipts'
import {
  encodeSavedUsage,
  type ModelUsage,
  USAGE_PAYLOAD_TYPE,
  type UsageStatement,
} from '@sotto/protocol/usage'
import type { ServingIdentity } from '../gateway/index.ts'
import type { ModelCounts, UsageLedger } from './ledger.ts'

/** A new statement at most this often (T17). */
export const INTERVAL_SECONDS = 300
/**
 * The counts of a model change in it only when so many of its answers were completed since they last did: the amounts
 * of one alone, beside those of other models or of answers that are still under way, would say how long it was.
 */
export const MIN_ANSWERS = 16

/** What {@link createUsagePublisher} needs. */
export interface UsagePublisherOptions {
  ledger: UsageLedger
  /** As whom this enclave signs now; undefined when it holds nothing. */
  identity: () => ServingIdentity | undefined
  /** What certifies the receipt key by the release to this evidence. */
  certificate: (evidence: Digest) => Uint8Array | undefined
  /** Unix seconds. */
  now: () => UnixSeconds
}

/** Signs what was counted, in steps too coarse to show one request. */
export interface UsagePublisher {
  /** Makes a new statement when one is due. Call it every few seconds. */
  tick(): void
  /** The newest statement with its certificate, canonical JSON; undefined before the first. */
  readonly newest: Uint8Array | undefined
}

/**
 * Makes a {@link UsagePublisher}. What came after the last statement ends with the process: fewer than
 * {@link MIN_ANSWERS} answers of each model, or those of the last {@link INTERVAL_SECONDS}.
 */
export function createUsagePublisher(options: UsagePublisherOptions): UsagePublisher {
  const { ledger, identity, certificate, now } = options
  const startedAt = now()
  let published = { at: startedAt, sequence: 0 }
  /** Each model as it stands in the newest statement. */
  let shown = new Map<Digest, ModelCounts>()
  let newest: Uint8Array | undefined
  return {
    tick() {
      const signer = identity()
      if (signer === undefined) return
      if (now() - published.at < INTERVAL_SECONDS) return
      const due = ledger
        .totals()
        .filter(({ model, answers }) => answers - (shown.get(model)?.answers ?? 0) >= MIN_ANSWERS)
      if (due.length === 0) return
      const proof = certificate(signer.evidence)
      if (proof === undefined) return
      const sequence = published.sequence + 1
      const next = new Map([...shown, ...due.map((counts) => [counts.model, counts] as const)])
      const statement: UsageStatement = {
        version: 1,
        genesis: signer.genesis,
        evidence: signer.evidence,
        sequence,
        startedAt,
        issuedAt: now(),
        models: [...next.values()].toSorted((a, b) => (a.model < b.model ? -1 : 1)).map(usageOf),
      }
      const envelope = fromUtf8(signDsse(USAGE_PAYLOAD_TYPE, encodeDocument(statement), [signer.signer]))
      newest = encodeSavedUsage({ version: 1, envelope, certificate: parseReceiptCertificate(proof) })
      published = { at: now(), sequence }
      shown = next
    },
    get newest() {
      return newest
    },
  }
}

function usageOf({ answers: _answers, ...usage }: ModelCounts): ModelUsage {
  return usage
}
