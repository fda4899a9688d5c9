import { fromHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { type DsseSigner, signDsse } from '@sotto/protocol/dsse'
import { encodeDocument } from '@sotto/protocol/keyrelease'
import {
  fillDigests,
  NO_PREVIOUS_BATCH,
  RECEIPT_BATCH_TYPE,
  receiptDigest,
  type ReceiptBatch,
} from '@sotto/protocol/receipt-log'
import type { ReceiptTrailer } from '@sotto/protocol/receipts'
import type { World } from '@sotto/testkit'
import type { EntryProof } from '../../src/monitor/index.ts'

/** A batch of an enclave of this world, with these receipts among random digests. */
export function batchOf(
  world: World,
  receipts: readonly ReceiptTrailer[],
  change: Partial<ReceiptBatch> = {},
): ReceiptBatch {
  return {
    version: 1,
    genesis: world.genesisDigest,
    evidence: 'cd'.repeat(32),
    sequence: 1,
    previous: NO_PREVIOUS_BATCH,
    digests: fillDigests(receipts.map(receiptDigest), (length) => crypto.randomBytes(length)),
    ...change,
  }
}

/** Appends a batch; what was appended. */
export function logBatch(world: World, batch: object, signer: DsseSigner): Uint8Array {
  const entry = signDsse(RECEIPT_BATCH_TYPE, encodeDocument(batch), [signer])
  world.log.append(entry)
  return entry
}

/** That an entry is in the newest tree, cosigned now. */
export async function proofOf(world: World, entry: Uint8Array): Promise<EntryProof> {
  const { index, proof } = await world.log.prove(entry)
  return { entry, index, path: proof.map(fromHex), note: await world.log.checkpoint({ time: world.now }) }
}
