import type { TrustBundle } from '@sotto/protocol/evidence'
import { documentDigest } from '@sotto/protocol/keyrelease'
import type { SavedReceipt } from '@sotto/protocol/receipts'

/** A receipt as it came, verified, with everything that proves it later. */
export interface KeptReceipt {
  id: string
  /** Milliseconds since the epoch, by this device. */
  at: number
  saved: SavedReceipt
}

/** The same as it lies in the browser: its trust bundle, three quarters of it, is kept once for all receipts that share it. */
export interface ReceiptRow {
  id: string
  at: number
  saved: Omit<SavedReceipt, 'trust'>
  /** Name of its {@link BundleRow}. Receipts that a page before this one kept have none. */
  bundle?: string
}

/** A bundle by which a service was judged. */
export interface BundleRow {
  /** Its digest. */
  name: string
  /** When a receipt was last kept with it, milliseconds since the epoch. */
  at: number
  trust: TrustBundle
}

/** A tab keeps the bundle first, and then the receipt: within this time nobody takes a new bundle for one of no receipt. */
const FRESH_MS = 60_000

const names = new WeakMap<TrustBundle, string>()

/** What is kept of a receipt that came now. */
export function rowsOf(saved: SavedReceipt, at: number): { receipt: ReceiptRow; bundle?: BundleRow } {
  const { trust, ...bare } = saved
  const id = `${String(at).padStart(15, '0')}-${documentDigest(bare).slice(0, 16)}`
  if (trust === undefined) return { receipt: { id, at, saved: bare } }
  // The client gives all receipts of one verdict the same object.
  const name = names.get(trust) ?? documentDigest(trust)
  names.set(trust, name)
  return { receipt: { id, at, saved: bare, bundle: name }, bundle: { name, at, trust } }
}

/** Receipts as they came. One whose bundle is gone is there all the same, and verifying it says what is missing. */
export function joinRows(rows: readonly ReceiptRow[], bundles: readonly BundleRow[]): KeptReceipt[] {
  const byName = new Map(bundles.map(({ name, trust }) => [name, trust]))
  return rows.map(({ id, at, saved, bundle }) => {
    const trust = bundle === undefined ? undefined : byName.get(bundle)
    return { id, at, saved: trust === undefined ? saved : { ...saved, trust } }
  })
}

/** Names of bundles that belong to no receipt any more. */
export function unusedBundles(
  rows: readonly ReceiptRow[],
  bundles: readonly BundleRow[],
  now: number,
): string[] {
  const used = new Set(rows.map(({ bundle }) => bundle))
  return bundles.filter(({ name, at }) => !used.has(name) && at < now - FRESH_MS).map(({ name }) => name)
}
