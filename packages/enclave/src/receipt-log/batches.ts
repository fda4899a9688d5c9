import { crypto } from '@sotto/protocol/crypto-backend'
import { signDsse } from '@sotto/protocol/dsse'
import { type Digest, documentDigest, encodeDocument } from '@sotto/protocol/keyrelease'
import {
  fillDigests,
  MAX_BATCH_DIGESTS,
  NO_PREVIOUS_BATCH,
  RECEIPT_BATCH_TYPE,
  receiptDigest,
  type ReceiptBatch,
} from '@sotto/protocol/receipt-log'
import type { ReceiptTrailer } from '@sotto/protocol/receipts'
import { serveError } from '@sotto/serve/errors'
import type { LogClient } from '@sotto/serve/log-client'
import { notReady, type ServingIdentity } from '../gateway/index.ts'

/** Digests that wait for their turn, 32 bytes each; of more receipts none is kept. */
const MAX_WAITING = 65_536
/** Batches of one turn: what is more waits for the next. */
const MAX_BATCHES_PER_TURN = 16

/** What {@link createReceiptLog} needs. */
export interface ReceiptLogOptions {
  /** Resolves once the entry is in a witnessed checkpoint; the same bytes again are one entry. */
  append: LogClient['append']
  /** As whom this enclave signs now; undefined when it holds nothing. */
  identity: () => ServingIdentity | undefined
  /**
   * Told why a turn failed: what it was about stays, and is tried again in the next turn. Also told `RECEIPT_LOG_FULL`, once,
   * with the first receipt that is left out.
   */
  onFailed: (error: unknown) => void
  /** Default 65536. */
  maxWaiting?: number
}

/**
 * `RECEIPT_LOG_BEHIND`: the log did not take the newest batch yet. `RECEIPT_LOG_FULL`: receipts of this boot were left out,
 * and will never be logged.
 */
export type ReceiptLogTrouble = 'RECEIPT_LOG_BEHIND' | 'RECEIPT_LOG_FULL'

/** Digests of the receipts of this boot, on their way into the log. All of it is in memory: a kill loses what waits. */
export interface ReceiptLog {
  /** Takes the digest of a receipt that was signed. Never fails, and nothing is sent now. */
  add(receipt: ReceiptTrailer): void
  /**
   * Logs the first batch, of random digests alone: it shows that this log can be written to.
   * @throws as `append`; `GATEWAY_NOT_READY` while nothing is held, for nothing was logged then
   */
  start(): Promise<void>
  /** Logs what waits: at least one batch, also of nothing. Call it by the clock alone. Never fails. */
  tick(): Promise<void>
  /** What keeps receipts out of the log, or has kept some. Answers go on all the same. */
  readonly trouble: ReceiptLogTrouble | undefined
}

interface SignedBatch {
  entry: Uint8Array
  sequence: number
  digest: Digest
}

/**
 * Makes a {@link ReceiptLog}. Batches are signed at the beginning of a turn, each naming the one before, and logged in
 * that order. A turn signs none while one of the turn before is not in the log for certain: what was logged although it
 * was reported as failed is sent again as the same bytes, so no number ever has two batches.
 */
export function createReceiptLog(options: ReceiptLogOptions): ReceiptLog {
  const { append, identity, onFailed, maxWaiting = MAX_WAITING } = options
  const waiting: Uint8Array[] = []
  const unconfirmed: SignedBatch[] = []
  let newest: Pick<SignedBatch, 'sequence' | 'digest'> = { sequence: 0, digest: NO_PREVIOUS_BATCH }
  let isBehind = false
  let hasLeftOut = false
  let line: Promise<void> = Promise.resolve()

  function signOne(as: ServingIdentity): SignedBatch {
    const batch: ReceiptBatch = {
      version: 1,
      genesis: as.genesis,
      evidence: as.evidence,
      sequence: newest.sequence + 1,
      previous: newest.digest,
      digests: fillDigests(waiting.splice(0, MAX_BATCH_DIGESTS), (length) => crypto.randomBytes(length)),
    }
    const payload = encodeDocument(batch)
    newest = { sequence: batch.sequence, digest: documentDigest(payload) }
    return { entry: signDsse(RECEIPT_BATCH_TYPE, payload, [as.signer]), ...newest }
  }

  /** How many is decided by what waits now, and not by what comes while they are logged. */
  function signDue(): void {
    const as = identity()
    if (as === undefined) return
    const due = Math.max(1, Math.ceil(waiting.length / MAX_BATCH_DIGESTS))
    for (let left = Math.min(due, MAX_BATCHES_PER_TURN); left > 0; left--) unconfirmed.push(signOne(as))
  }

  async function confirm(): Promise<void> {
    for (let batch = unconfirmed[0]; batch !== undefined; batch = unconfirmed[0]) {
      await append(batch.entry)
      unconfirmed.shift()
    }
  }

  async function turn(): Promise<void> {
    try {
      await confirm()
      signDue()
      await confirm()
      isBehind = false
    } catch (error) {
      isBehind = true
      throw error
    }
  }

  /** One turn at a time. */
  function inTurn(): Promise<void> {
    const done = line.then(turn)
    line = done.catch(() => undefined)
    return done
  }

  return {
    add(receipt) {
      if (waiting.length < maxWaiting) return void waiting.push(receiptDigest(receipt))
      if (hasLeftOut) return
      hasLeftOut = true
      onFailed(
        serveError('RECEIPT_LOG_FULL', 'too many receipts wait for the log: this one is left out of it', {
          expected: `at most ${maxWaiting} that wait`,
        }),
      )
    },
    async start() {
      await inTurn()
      if (newest.sequence === 0) throw notReady()
    },
    tick: () => inTurn().catch(onFailed),
    get trouble() {
      // What was left out stays so when there is room again: nobody else would ever hear of it.
      if (hasLeftOut) return 'RECEIPT_LOG_FULL'
      return isBehind ? 'RECEIPT_LOG_BEHIND' : undefined
    },
  }
}
