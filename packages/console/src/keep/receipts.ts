import type { SavedReceipt } from '@sotto/protocol/receipts'
import { open } from './database.ts'
import {
  type BundleRow,
  joinRows,
  type KeptReceipt,
  type ReceiptRow,
  rowsOf,
  unusedBundles,
} from './receipt-rows.ts'
import { tellOtherTabs } from './tabs.ts'

export type { KeptReceipt } from './receipt-rows.ts'

const table = open<ReceiptRow>('receipts')
const bundles = open<BundleRow>('bundles')
/** Each of some kilobytes: the oldest make room. */
export const MAX_RECEIPTS = 500

/** Receipts of this browser, newest first. */
export const receipts = {
  async all(): Promise<KeptReceipt[]> {
    // In this order: a receipt is kept after its bundle.
    const rows = await table.all()
    return joinRows(rows, await bundles.all()).toReversed()
  },
  async remove(id: string): Promise<void> {
    await table.remove(id)
    await dropUnused()
    tellOtherTabs('receipts')
  },
  async clear(): Promise<void> {
    await table.clear()
    await bundles.clear()
    tellOtherTabs('receipts')
  },
}

/** Keeps a receipt; the oldest go when there are too many. */
export async function keepReceipt(saved: SavedReceipt): Promise<void> {
  const { receipt, bundle } = rowsOf(saved, Date.now())
  if (bundle !== undefined) await bundles.put(bundle.name, bundle)
  await table.put(receipt.id, receipt)
  const ids = await table.keys()
  const old = ids.slice(0, Math.max(0, ids.length - MAX_RECEIPTS))
  for (const id of old) await table.remove(id)
  if (old.length > 0) await dropUnused()
  tellOtherTabs('receipts')
}

async function dropUnused(): Promise<void> {
  const kept = await bundles.all()
  for (const name of unusedBundles(await table.all(), kept, Date.now())) await bundles.remove(name)
}
