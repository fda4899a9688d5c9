import { concat } from '@sotto/protocol/bytes'
import type { Digest, Ed25519Key, UnixSeconds } from '@sotto/protocol/keyrelease'
import {
  encodeMask,
  MAX_SPENT_ENTRIES,
  SPENT_ID_BYTES,
  type SpendContext,
  type SpendEntry,
  SpentBook,
  type SpentIds,
} from '@sotto/protocol/spending'
import { kmsError } from '../errors.ts'
import type { Change, SealedStore } from '../store/index.ts'
import {
  BLOCK_ENTRIES,
  blockChange,
  headChange,
  inBlocks,
  JOURNAL_SLOTS,
  joinAdded,
  journalChange,
  readSpends,
  removeAll,
  removeBlock,
  type Spend,
} from './records.ts'

/** One request of a gateway, as far as the set is concerned. */
export interface Spending {
  gateway: Ed25519Key
  counter: number
  digest: Digest
  entries: readonly SpendEntry[]
}

/** Blocks of one issuer key in the store: how many are full, and what the last one holds. */
interface Blocks {
  expiresAt: UnixSeconds
  full: number
  tail: Uint8Array
}

/**
 * The set of spent tokens, in memory and in the store. Memory decides; an answer may leave once
 * {@link SpentLedger.settle} says that what it rests on is durable. A commit that failed may have happened: its
 * content stays spent, and is written again with the next one.
 */
export class SpentLedger {
  readonly #store: SealedStore
  readonly #maxEntries: number
  #book: SpentBook
  #context: SpendContext | undefined
  #sequence = 0
  #durable = 0
  #spends = new Map<string, Spend>()
  #blocks = new Map<string, Blocks>()
  /** In the journal, not in the blocks. */
  #journal: SpentIds[] = []
  /** The next free slot. */
  #slot = 0
  #unsaved: { added: SpentIds[]; spends: Map<string, Spend> } = { added: [], spends: new Map() }
  #committing: Promise<void> | undefined

  private constructor(store: SealedStore, maxEntries: number) {
    this.#store = store
    this.#maxEntries = maxEntries
    this.#book = new SpentBook(maxEntries)
  }

  /**
   * Reads what the store remembers. That it is the newest is for the log and the gateways to say.
   * @throws `KMS_STORE_TAMPERED` and those of the store
   */
  static async open(store: SealedStore, maxEntries: number = MAX_SPENT_ENTRIES): Promise<SpentLedger> {
    const ledger = new SpentLedger(store, maxEntries)
    const { head, blocks, journal } = readSpends(await store.readAll())
    if (head === undefined) return ledger
    ledger.#context = head.context
    ledger.#sequence = ledger.#durable = journal.at(-1)?.sequence ?? head.merged
    ledger.#book.restoreForgotten(head.forgotten)
    for (const row of [head, ...journal])
      for (const [gateway, spend] of Object.entries(row.spends)) ledger.#spends.set(gateway, spend)
    ledger.#journal = journal.flatMap(({ added }) => added)
    ledger.#slot = journal.length
    for (const { keyId, expiresAt, ids } of joinAdded(blocks)) {
      const full = Math.floor(ids.length / (BLOCK_ENTRIES * SPENT_ID_BYTES))
      // Blocks come by name, so which of them is the last is known by its length.
      const tail = blocks.find(
        (one) => one.keyId === keyId && one.ids.length < BLOCK_ENTRIES * SPENT_ID_BYTES,
      )
      ledger.#blocks.set(keyId, { expiresAt, full, tail: tail?.ids ?? new Uint8Array() })
    }
    for (const row of [...blocks, ...ledger.#journal]) ledger.#book.restore(row)
    return ledger
  }

  /** Undefined before the first. */
  get context(): SpendContext | undefined {
    return this.#context
  }

  /** Requests of the context that are durable. */
  get durable(): number {
    return this.#durable
  }

  /** Entries that are remembered. */
  get size(): number {
    return this.#book.size
  }

  /** The last request of a gateway. */
  spendOf(gateway: Ed25519Key): Spend | undefined {
    return this.#spends.get(gateway)
  }

  /**
   * Begins an empty set under another context; the old one is gone.
   * @throws those of the store, after which it has to be begun again
   */
  async begin(context: SpendContext): Promise<void> {
    await this.#committing?.catch(() => undefined)
    const head = { context, merged: 0, forgotten: 0, spends: {} }
    // Until this is done, no context is the store's.
    this.#context = undefined
    await this.#store.commit([...removeAll(await this.#store.readAll()), headChange(head)])
    this.#book = new SpentBook(this.#maxEntries)
    this.#context = context
    this.#sequence = this.#durable = this.#slot = 0
    this.#spends = new Map()
    this.#blocks = new Map()
    this.#journal = []
    this.#unsaved = { added: [], spends: new Map() }
  }

  /**
   * Spends the entries of one request, in memory: {@link settle} makes it durable.
   * @throws `KMS_SPENDING_FULL`: then nothing was spent
   */
  spend({ gateway, counter, digest, entries }: Spending, now: UnixSeconds): Spend {
    this.#book.forget(now)
    if (!this.#book.hasRoom(entries))
      throw kmsError('KMS_SPENDING_FULL', 'no more spent tokens can be remembered until an issuer key ends')
    const ids = entries.map((entry) => this.#book.spend(entry, now))
    const spend: Spend = {
      counter,
      digest,
      mask: encodeMask(ids.map((id) => id !== undefined)),
      sequence: ++this.#sequence,
    }
    const added = entries.flatMap(({ keyId, expiresAt }, index) =>
      ids[index] === undefined ? [] : [{ keyId, expiresAt, ids: ids[index] }],
    )
    this.#unsaved.added.push(...added)
    this.#unsaved.spends.set(gateway, spend)
    this.#spends.set(gateway, spend)
    return spend
  }

  /** Forgets the last requests of gateways that are not among these. */
  keepOnly(gateways: ReadonlySet<Ed25519Key>): void {
    for (const gateway of this.#spends.keys()) if (!gateways.has(gateway)) this.#spends.delete(gateway)
  }

  /**
   * Resolves when request `sequence` is durable, with whatever else has come meanwhile in the same commit.
   * @throws those of the store: it may or may not be durable
   */
  async settle(sequence: number): Promise<void> {
    while (this.#durable < sequence) {
      this.#committing ??= this.#commit().finally(() => {
        this.#committing = undefined
      })
      await this.#committing
    }
  }

  async #commit(): Promise<void> {
    // Requests that have arrived already belong to the same commit.
    await new Promise((resolve) => setImmediate(resolve))
    const { added, spends } = this.#unsaved
    this.#unsaved = { added: joinAdded(added), spends }
    const [sequence, count] = [this.#sequence, this.#unsaved.added.length]
    const isFull = this.#slot >= JOURNAL_SLOTS
    const compacted = isFull ? this.#compact() : undefined
    const row = {
      context: this.#context!,
      sequence,
      spends: Object.fromEntries(spends),
      added: this.#unsaved.added.slice(),
    }
    const answered = new Map(spends)
    await this.#store.commit(compacted?.changes ?? [journalChange(this.#slot, row)])
    this.#durable = sequence
    this.#unsaved.added.splice(0, count)
    for (const [gateway, spend] of answered)
      if (this.#unsaved.spends.get(gateway) === spend) this.#unsaved.spends.delete(gateway)
    if (compacted === undefined) {
      this.#slot++
      this.#journal.push(...row.added)
    } else {
      this.#slot = 0
      this.#journal = []
      this.#blocks = compacted.blocks
    }
  }

  /** Everything in blocks, without what has been forgotten. */
  #compact(): { changes: Change[]; blocks: Map<string, Blocks> } {
    const blocks = new Map(this.#blocks)
    const changes: Change[] = []
    for (const { keyId, expiresAt, ids } of joinAdded([...this.#journal, ...this.#unsaved.added])) {
      const {
        full,
        tail,
        expiresAt: before,
      } = blocks.get(keyId) ?? { full: 0, tail: new Uint8Array(), expiresAt }
      const pieces = inBlocks(concat(tail, ids))
      const ends = Math.max(before, expiresAt)
      pieces.forEach((piece, n) =>
        changes.push(blockChange(full + n, { keyId, expiresAt: ends, ids: piece })),
      )
      const last = pieces.at(-1) ?? new Uint8Array()
      const isWhole = last.length === BLOCK_ENTRIES * SPENT_ID_BYTES
      const next = {
        full: full + pieces.length - (isWhole ? 0 : 1),
        tail: isWhole ? new Uint8Array() : last.slice(),
      }
      blocks.set(keyId, { expiresAt: ends, ...next })
    }
    for (const [keyId, { full, tail }] of blocks) {
      if (this.#book.expiryOf(keyId) !== undefined) continue
      const count = full + (tail.length > 0 ? 1 : 0)
      for (let index = 0; index < count; index++) changes.push(removeBlock(keyId, index))
      blocks.delete(keyId)
    }
    const head = {
      context: this.#context!,
      merged: this.#sequence,
      forgotten: this.#book.forgotten,
      spends: Object.fromEntries(this.#spends),
    }
    return { changes: [...changes, headChange(head)], blocks }
  }
}
