import { toBase64Url } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { parseDsse, prepareSigner, verifyDsse } from '@sotto/protocol/dsse'
import { decodeDocument } from '@sotto/protocol/keyrelease'
import {
  holdsDigest,
  RECEIPT_BATCH_TYPE,
  receiptBatchDecoder,
  receiptDigest,
  type ReceiptBatch,
} from '@sotto/protocol/receipt-log'
import type { ReceiptTrailer } from '@sotto/protocol/receipts'
import type { ProvenEntry } from '@sotto/serve/log-client'
import { serveError } from '@sotto/serve/errors'
import { fakeSigner } from '@sotto/testkit'
import type { ServingIdentity } from '../../src/gateway/index.ts'
import { createReceiptLog, type ReceiptLog } from '../../src/receipt-log/index.ts'

/** How the log takes the next entries: takes it, does not, or takes it and says that it did not. */
export type Mood = 'takes' | 'refuses' | 'takes-and-fails'

/** A receipt log with a log behind it that does what the test says. */
export interface Desk {
  log: ReceiptLog
  signer: ReturnType<typeof fakeSigner>
  held: { identity?: ServingIdentity }
  /** The same bytes have one place, as in a log. */
  entries: Uint8Array[]
  /** Everything that was sent, in order. */
  sent: Uint8Array[]
  moods: Mood[]
  failures: unknown[]
  batches(): ReceiptBatch[]
}

export function openDesk(maxWaiting?: number): Desk {
  const signer = fakeSigner()
  const identity: ServingIdentity = {
    genesis: 'ab'.repeat(32),
    evidence: 'cd'.repeat(32),
    after: { size: 1, root: '00'.repeat(32) },
    signer: prepareSigner(signer),
  }
  const desk: Omit<Desk, 'log'> = {
    signer,
    held: { identity },
    entries: [],
    sent: [],
    moods: [],
    failures: [],
    batches: () => desk.entries.map((entry) => batchOf(entry, signer.publicKey)),
  }
  async function append(entry: Uint8Array): Promise<ProvenEntry> {
    desk.sent.push(entry)
    await Promise.resolve()
    const mood = desk.moods.shift() ?? 'takes'
    const known = desk.entries.some((one) => Buffer.compare(one, entry) === 0)
    if (mood !== 'refuses' && !known) desk.entries.push(entry)
    if (mood !== 'takes') throw serveError('LOG_UNREACHABLE', 'the log does not answer')
    return {} as ProvenEntry
  }
  const log = createReceiptLog({
    append,
    identity: () => desk.held.identity,
    onFailed: (error) => void desk.failures.push(error),
    ...(maxWaiting !== undefined && { maxWaiting }),
  })
  return Object.assign(desk, { log })
}

export function batchOf(entry: Uint8Array, publicKey: Uint8Array): ReceiptBatch {
  const { payload } = verifyDsse(parseDsse(entry), RECEIPT_BATCH_TYPE, [publicKey])
  return decodeDocument(payload, receiptBatchDecoder, 'batch')
}

/** What the trailer of one answer says, whatever was asked. */
export function receipt(): ReceiptTrailer {
  return {
    envelope: `{"n":"${toBase64Url(crypto.randomBytes(8))}"}`,
    salt: toBase64Url(crypto.randomBytes(32)),
  }
}

/** Which batches hold a receipt. */
export function holding(batches: readonly ReceiptBatch[], one: ReceiptTrailer): number[] {
  return batches.filter((batch) => holdsDigest(batch, receiptDigest(one))).map(({ sequence }) => sequence)
}
