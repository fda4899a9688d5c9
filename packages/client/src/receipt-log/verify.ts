import { fromBase64Url } from '@sotto/protocol/bytes'
import { parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import { decodeDocument, type ReleaseReceipt } from '@sotto/protocol/keyrelease'
import type { VerifiedCheckpoint } from '@sotto/protocol/note'
import {
  holdsDigest,
  RECEIPT_BATCH_TYPE,
  receiptBatchDecoder,
  receiptDigest,
  type ReceiptBatch,
} from '@sotto/protocol/receipt-log'
import type { SavedReceipt } from '@sotto/protocol/receipts'
import { type ReceiptResult, type Step, type TrustPolicy, verifyReceipt } from '@sotto/verifier'
import { requirementsOf } from '@sotto/verifier/bundle'
import { type Check, Refusal, runChecks } from '@sotto/verifier/checks'
import { type EntryProof, verifyEntryProof } from '../monitor/index.ts'

/** How a receipt stands in the log. */
export interface LoggedResult {
  /** Every step passed. */
  ok: boolean
  steps: Step[]
  /** Place of the batch, once it is proven. */
  index?: number
  /** When the last witness cosigned the checkpoint of the proof, Unix seconds: the receipt is at least as old. */
  loggedBefore?: number
}

interface Facts {
  saved: SavedReceipt
  proof: EntryProof
  policy: TrustPolicy
  release: ReleaseReceipt
  checkpoint?: VerifiedCheckpoint
  batch?: ReceiptBatch
}

const LOGGED_CHECKS: readonly Check<Facts>[] = [
  {
    name: 'receipt.batch-logged',
    title: 'Log and witnesses signed a state that holds this entry',
    needs: [],
    run({ proof, policy }) {
      const checkpoint = verifyEntryProof(proof, requirementsOf(policy))
      return { adds: { checkpoint }, found: `entry ${proof.index} of ${checkpoint.size}` }
    },
  },
  {
    name: 'receipt.batch-signed',
    title: 'It is a batch of receipt digests, signed by the enclave that answered',
    needs: ['checkpoint'],
    run({ proof, policy, release }) {
      const batch = decodeBatch(proof.entry!, release)
      if (batch.genesis !== policy.genesis)
        throw new Refusal('a batch of another genesis', policy.genesis, batch.genesis)
      return { adds: { batch }, found: `batch ${batch.sequence}` }
    },
  },
  {
    name: 'receipt.logged',
    title: 'The batch holds this receipt',
    needs: ['batch'],
    run({ saved, batch }) {
      if (!holdsDigest(batch, receiptDigest(saved)))
        throw new Refusal('NOT LOGGED: the batch does not hold this receipt')
    },
  },
]

/**
 * Verifies, offline, that the log holds the digest of a receipt: the receipt itself, then entry, batch and digest. A
 * receipt that was logged is at least as old as the checkpoint in the proof, whatever was broken since.
 * @param proof as `findLogged` finds it, or anybody else
 */
export function verifyLogged(
  saved: SavedReceipt,
  proof: EntryProof,
  policy: TrustPolicy,
  receipt: ReceiptResult = verifyReceipt(saved, policy),
): LoggedResult {
  if (!receipt.ok || receipt.release === undefined) return { ok: false, steps: receipt.steps }
  const facts: Facts = { saved, proof, policy, release: receipt.release }
  const { ok, steps } = runChecks(LOGGED_CHECKS, facts)
  return {
    ok,
    steps: [...receipt.steps, ...steps],
    // The latest of them: one witness that dates back makes no receipt older.
    ...(ok && { index: proof.index, loggedBefore: Math.max(...facts.checkpoint!.witnessTimes.values()) }),
  }
}

/** The batch in an entry, signed by the receipt key of this release. @throws `DSSE_*`, `JCS_*` */
export function decodeBatch(entry: Uint8Array, release: Pick<ReleaseReceipt, 'receiptKey'>): ReceiptBatch {
  const { payload } = verifyDsse(parseDsse(entry), RECEIPT_BATCH_TYPE, [fromBase64Url(release.receiptKey)])
  return decodeDocument(payload, receiptBatchDecoder, 'batch')
}
