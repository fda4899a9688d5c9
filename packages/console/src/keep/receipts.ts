import { documentDigest } from '@sotto/protocol/keyrelease'
import type { SavedReceipt } from '@sotto/protocol/receipts'
import { open } from './database.ts'
import { tellOtherTabs } from './tabs.ts'

/** A receipt as it came, verified, with everything that proves it later. */
export interface KeptReceipt {
  id: string
  /** Milliseconds since the epoch, by this device. */
  at: number
  saved: SavedReceipt
}

const table = open<KeptReceipt>('receipts')
/** Each of some kilobytes: the oldest make room. */
export const MAX_RECEIPTS = 500

/** Receipts of this browser, newest first. */
export const receipts = {
  async all(): Promise<KeptReceipt[]> {
    return (await table.all()).toReversed()
  },
  async remove(id: string): Promise<void> {
    await table.remove(id)
    tellOtherTabs('receipts')
  },
  async clear(): Promise<void> {
    await table.clear()
    tellOtherTabs('receipts')
  },
}

/** Keeps a receipt; the oldest go when there are too many. */
export async function keepReceipt(saved: SavedReceipt): Promise<void> {
  const at = Date.now()
  const name = documentDigest(saved).slice(0, 16)
  const id = `${String(at).padStart(15, '0')}-${name}`
  await table.put(id, { id, at, saved })
  const ids = await table.keys()
  for (const old of ids.slice(0, Math.max(0, ids.length - MAX_RECEIPTS))) await table.remove(old)
  tellOtherTabs('receipts')
}
