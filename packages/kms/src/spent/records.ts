import { concat, fromBase64Url, fromUtf8, toBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import type { Digest, UnixSeconds } from '@sotto/protocol/keyrelease'
import { SPENT_ID_BYTES, type SpendContext, type SpentIds } from '@sotto/protocol/spending'
import { kmsError } from '../errors.ts'
import type { Change, StoredRecord } from '../store/index.ts'

/** The table of a KMS's store that holds spent tokens. */
export const SPENT_TABLE = 'spent'
/** Commits between two compactions: each writes one row, which the same slot's next one overwrites. */
export const JOURNAL_SLOTS = 64
/** Entries of one block, the unit in which compaction writes. */
export const BLOCK_ENTRIES = 8192

/** The last request of one gateway and what became of it. */
export interface Spend {
  counter: number
  /** Of what was asked, without the session: the same question gets the same answer in a later one. */
  digest: Digest
  mask: string
  sequence: number
}

/** What stands in the store as a whole; everything younger than `merged` is in the journal. */
export interface Head {
  context: SpendContext
  /** Requests up to this number are in the blocks. */
  merged: number
  forgotten: UnixSeconds
  spends: Record<string, Spend>
}

/** One commit: the requests it made durable. */
export interface JournalRow {
  context: SpendContext
  /** The last request. */
  sequence: number
  spends: Record<string, Spend>
  added: SpentIds[]
}

/** All that a store says. */
export interface StoredSpends {
  head: Head | undefined
  blocks: SpentIds[]
  /** Younger than the head, oldest first. */
  journal: JournalRow[]
}

export function headChange(head: Head): Change {
  return { table: SPENT_TABLE, key: 'head', value: encode(head) }
}

export function journalChange(slot: number, row: JournalRow): Change {
  return { table: SPENT_TABLE, key: `journal/${slot}`, value: encode(row) }
}

/** Block `index` of an issuer key. */
export function blockChange(index: number, block: SpentIds): Change {
  return { table: SPENT_TABLE, key: blockName(block.keyId, index), value: encode(block) }
}

export function removeBlock(keyId: string, index: number): Change {
  return { table: SPENT_TABLE, key: blockName(keyId, index), value: null }
}

/** Empties the table of `records`. */
export function removeAll(records: readonly StoredRecord[]): Change[] {
  return records.map(({ table, key }) => ({ table, key, value: null }))
}

/** Splits joined entries into blocks. */
export function inBlocks(ids: Uint8Array): Uint8Array[] {
  const size = BLOCK_ENTRIES * SPENT_ID_BYTES
  return Array.from({ length: Math.ceil(ids.length / size) }, (_, n) =>
    ids.subarray(n * size, (n + 1) * size),
  )
}

/** @throws `KMS_STORE_TAMPERED` for a row this version does not know */
export function readSpends(records: readonly StoredRecord[]): StoredSpends {
  const all: StoredSpends = { head: undefined, blocks: [], journal: [] }
  for (const { key, value } of records) {
    if (key === 'head') all.head = decode(value) as Head
    else if (key.startsWith('block/')) all.blocks.push(decode(value) as SpentIds)
    else if (key.startsWith('journal/')) all.journal.push(decode(value) as JournalRow)
    else throw kmsError('KMS_STORE_TAMPERED', 'the store has a record this version does not know')
  }
  const { head } = all
  all.journal = all.journal
    .filter(({ context, sequence }) => context === head?.context && sequence > head.merged)
    .toSorted((a, b) => a.sequence - b.sequence)
  return all
}

/** Joins what several rows add for each issuer key. */
export function joinAdded(rows: readonly SpentIds[]): SpentIds[] {
  const byKey = new Map<string, SpentIds[]>()
  for (const row of rows) {
    const known = byKey.get(row.keyId)
    if (known === undefined) byKey.set(row.keyId, [row])
    else known.push(row)
  }
  return [...byKey].map(([keyId, of]) => ({
    keyId,
    expiresAt: Math.max(...of.map(({ expiresAt }) => expiresAt)),
    ids: concat(...of.map(({ ids }) => ids)),
  }))
}

function blockName(keyId: string, index: number): string {
  return `block/${toHex(fromBase64Url(keyId))}/${index}`
}

function encode(value: object): Uint8Array {
  return utf8(
    JSON.stringify(value, (name, item: unknown) =>
      name === 'ids' && item instanceof Uint8Array ? toBase64Url(item) : item,
    ),
  )
}

function decode(bytes: Uint8Array): unknown {
  return JSON.parse(fromUtf8(bytes), (name, item: unknown) =>
    name === 'ids' && typeof item === 'string' ? fromBase64Url(item) : item,
  )
}
