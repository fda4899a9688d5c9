import { fromBase64Url } from '@sotto/protocol/bytes'
import { decodeDocument, documentDigest, type Ed25519Key } from '@sotto/protocol/keyrelease'
import { NO_PREVIOUS_BATCH, receiptBatchDecoder } from '@sotto/protocol/receipt-log'
import { decoded, digestOf, isSigned, type Judging } from './judging.ts'
import { MAX_RECEIPT_KEYS } from './state.ts'

/**
 * Digests of receipts (T16): signed by an enclave that keys were released to, and one chain for each of them. A batch
 * that is missing was left out by whoever runs the log; one that has a second version would let receipts appear and
 * disappear. The same bytes again are no second version.
 */
export function judgeReceiptBatch(judging: Judging): void {
  const { state, envelope, alert } = judging
  const key = signerOf(judging)
  if (key === undefined)
    return alert('RECEIPT_BATCH_UNCERTIFIED', 'digests of receipts that no enclave with released keys signed')
  const batch = decoded(judging, 'RECEIPT_BATCH_MALFORMED', (payload) =>
    decodeDocument(payload, receiptBatchDecoder, 'receipt batch'),
  )
  if (batch === undefined) return
  const digest = digestOf(envelope)
  const { sequence, previous } = batch
  const others = (state.batches ?? []).filter((known) => known.key !== key)
  const newest = (state.batches ?? []).find((known) => known.key === key)
  if (newest?.digest === digest) return
  const expected = (newest?.sequence ?? 0) + 1
  if (sequence < expected)
    return alert(
      'RECEIPT_BATCH_FORK',
      `batch ${sequence} of an enclave has a second version`,
      `batch ${expected}`,
      digest,
    )
  if (sequence > expected)
    alert('RECEIPT_BATCH_GAP', 'a batch of an enclave is missing', `batch ${expected}`, `batch ${sequence}`)
  else if (previous !== (newest?.digest ?? NO_PREVIOUS_BATCH))
    alert('RECEIPT_BATCH_FORK', `batch ${sequence} names another one before it`, newest?.digest, previous)
  state.batches = [...others, { key, sequence, digest }].slice(-MAX_RECEIPT_KEYS)
}

/** The receipt key that signed, among those that releases certified. */
function signerOf({ state, envelope }: Judging): Ed25519Key | undefined {
  // By its name first: to try a thousand keys on every entry of somebody would take its time.
  const named = new Set(envelope.signatures.map(({ keyid }) => keyid))
  return (state.receiptKeys ?? [])
    .filter((key) => named.has(documentDigest(fromBase64Url(key))))
    .find((key) => isSigned(envelope, [key]))
}
