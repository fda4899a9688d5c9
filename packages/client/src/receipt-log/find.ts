import type { ReleaseReceipt } from '@sotto/protocol/keyrelease'
import { leafHash, proveInclusion, verifyInclusion } from '@sotto/protocol/merkle'
import { holdsDigest, receiptDigest, type ReceiptBatch } from '@sotto/protocol/receipt-log'
import type { SavedReceipt } from '@sotto/protocol/receipts'
import { TILE_WIDTH } from '@sotto/protocol/tile-path'
import { type TrustPolicy, verifyReceipt } from '@sotto/verifier'
import { verifyUnder } from '@sotto/verifier/bundle'
import { clientError } from '../errors.ts'
import type { EntryProof, LogReader } from '../monitor/index.ts'
import { decodeBatch } from './verify.ts'

/**
 * Finds the batch that holds a receipt, and proves that it is in the log. Entries are read from the release of the enclave
 * on, in bundles of 256: whoever serves them learns of this reader which bundle was the last, and no more.
 *
 * @throws `RECEIPT_INVALID` (stop) for a receipt that does not verify; `RECEIPT_NOT_LOGGED` (retry) where no batch of
 * this enclave holds it; `LOG_UNREADABLE`, `NOTE_*`, `MERKLE_*`
 */
export async function findLogged(
  saved: SavedReceipt,
  { policy, reader }: { policy: TrustPolicy; reader: LogReader },
): Promise<EntryProof> {
  const { ok, release } = verifyReceipt(saved, policy)
  if (!ok || release === undefined)
    throw clientError('RECEIPT_INVALID', 'the receipt does not hold, so no log can tell of it')
  const note = await reader.checkpoint()
  const tree = verifyUnder(policy, note)
  const digest = receiptDigest(saved)
  const seen: number[] = []
  for (let bundle = bundleOf(saved.certificate.release.index); bundle * TILE_WIDTH < tree.size; bundle++) {
    const entries = await reader.bundle(bundle, tree)
    for (const [at, entry] of entries.entries()) {
      const batch = batchOf(entry, release)
      if (batch === undefined) continue
      seen.push(batch.sequence)
      if (!holdsDigest(batch, digest)) continue
      const index = bundle * TILE_WIDTH + at
      const path = await proveInclusion(index, tree.size, reader.readTile)
      verifyInclusion(leafHash(entry), index, tree.size, path, tree.root)
      return { entry, index, path, note }
    }
  }
  throw clientError('RECEIPT_NOT_LOGGED', 'NOT LOGGED: no batch of this enclave holds the receipt', {
    found: describeSeen(seen, tree.size),
    hint: 'batches come at the interval that the data use declares; if that is over, the receipt was left out',
  })
}

function bundleOf(index: number): number {
  return Math.floor(index / TILE_WIDTH)
}

/** The batch that this enclave signed; undefined for every other entry. */
function batchOf(entry: Uint8Array, release: ReleaseReceipt): ReceiptBatch | undefined {
  try {
    return decodeBatch(entry, release)
  } catch {
    // Anybody may write entries; those that this enclave did not sign say nothing of its receipts.
    return undefined
  }
}

function describeSeen(sequences: readonly number[], size: number): string {
  const newest = Math.max(0, ...sequences)
  const missing = newest - new Set(sequences).size
  return `${sequences.length} batches in ${size} entries${missing > 0 ? `, ${missing} missing among them` : ''}`
}
