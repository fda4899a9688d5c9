import { equalBytes } from '@sotto/protocol/bytes'
import type { SottoError } from '@sotto/protocol/errors'
import { kmsError } from '../errors.ts'
import { Contents, type ContentsEntry } from './contents.ts'
import type { Sealer } from './seal.ts'
import {
  type Change,
  MAX_NAME_LENGTH,
  MAX_RECORDS,
  MAX_STORE_BYTES,
  MAX_VALUE_BYTES,
  type StoredRecord,
} from './types.ts'

/** A record as the medium holds it. Whoever holds the medium controls every part of it. */
export interface Row {
  tbl: string
  key: string
  /** Never repeats within one store, even for a record that was removed in between. */
  version: number
  sealed: Uint8Array
}

/** What one commit writes, whole or not at all. */
export interface Plan {
  upserts: Row[]
  removes: { tbl: string; key: string }[]
  /** Takes the place of the manifest of version {@link previous}. */
  manifest: Row
  previous: number
  /** What the store has once the commit has happened, and what seals it then. */
  next: Contents
  sealer: Sealer
}

/** Bytes of a new store's identity, which every {@link Place} names. */
export const STORE_ID_LENGTH = 16
/** The one record about the store itself: which versions of which records belong together. */
export const MANIFEST = { tbl: '', key: 'manifest' } as const

/**
 * The sealed rows of one store and what they have to be: every implementation keeps rows, this keeps
 * them honest. A row that was changed, moved, swapped, removed, added or put back alone is noticed.
 */
export class SealedRecords {
  private sealer: Sealer
  /** What may seal the store instead, until its manifest was opened. */
  private others: readonly Sealer[]
  private readonly storeId: Uint8Array
  private contents = Contents.EMPTY
  /** Version of the manifest; 0 until rows were read, and again after a commit nobody knows the end of. */
  private manifestVersion = 0
  /** The newest manifest this process has read or written: nothing older is read again. */
  private newestVersion = 0

  /** @param sealers what the store may be sealed by; a new one is by the first */
  constructor([sealer, ...others]: readonly [Sealer, ...Sealer[]], storeId: Uint8Array) {
    this.sealer = sealer
    this.others = others
    this.storeId = storeId
  }

  /** The manifest of a store without records. */
  firstManifest(): Row {
    return this.sealManifest(Contents.EMPTY, 1)
  }

  /**
   * Opens every row of the store.
   * @throws `KMS_STORE_SEALED` when the manifest was sealed under another key, `KMS_STORE_TAMPERED`, also for a whole
   * copy that is older than what this process has seen
   */
  read(rows: readonly Row[]): StoredRecord[] {
    this.forget()
    if (rows.length > MAX_RECORDS + 1) throw tampered('more records than the store ever holds')
    const manifest = rows.find((row) => row.tbl === MANIFEST.tbl)
    if (manifest === undefined) throw tampered('the manifest is missing')
    const expected = this.openManifest(manifest)
    if (manifest.version < this.newestVersion) throw tampered('an old copy of the store was put back')
    const records = rows.filter((row) => row !== manifest).sort(byPlace)
    // Nothing is opened before all of them belong together.
    const entries = records.map(
      (row) => [nameOf(row.tbl, row.key), { version: row.version, size: 0 }] as const,
    )
    const versions = new Map(entries)
    if (versions.size !== records.length) throw tampered('a record is there twice')
    if (!equalBytes(Contents.EMPTY.with(versions).digest(), expected))
      throw tampered('records were removed, added or put back')
    const opened = records.map((row) => ({ table: row.tbl, key: row.key, value: this.open(row) }))
    const sized = opened.map(({ value }, n) => {
      const [name, { version }] = entries[n]!
      return [name, { version, size: value.length }] as const
    })
    this.contents = Contents.EMPTY.with(new Map(sized))
    this.manifestVersion = this.newestVersion = manifest.version
    return opened
  }

  /** @throws `KMS_STORE_SEALED` */
  openManifest(row: Row): Uint8Array {
    const candidates = [this.sealer, ...this.others]
    const sealer = candidates.find((candidate) => this.opensWith(candidate, row)) ?? this.sealer
    this.others = candidates.filter((candidate) => candidate !== sealer)
    this.sealer = sealer
    try {
      return this.openRow(row)
    } catch (cause) {
      throw kmsError('KMS_STORE_SEALED', 'this store was sealed by another measurement or machine', {
        hint: 'Start the KMS release that made it, on the machine that made it, or begin with an empty store.',
        cause,
      })
    }
  }

  /**
   * Seals what a commit writes. Several changes of one record count as the last of them.
   * @throws RangeError for a change no store takes; `KMS_STORE_FAILED` when the rows have to be read first
   */
  plan(changes: readonly Change[], sealer: Sealer = this.sealer): Plan {
    if (this.manifestVersion === 0) throw unsettled()
    const version = this.manifestVersion + 1
    const last = new Map(changes.map((change) => [nameOf(change.table, change.key), change]))
    const entries = new Map<string, ContentsEntry | null>()
    const plan = { upserts: [] as Row[], removes: [] as Plan['removes'] }
    for (const [name, { table: tbl, key, value }] of last) {
      requireName(tbl, key)
      if (value === null) {
        plan.removes.push({ tbl, key })
        entries.set(name, null)
        continue
      }
      if (value.length > MAX_VALUE_BYTES) throw new RangeError('the value is too large')
      plan.upserts.push(this.seal({ tbl, key, version }, value, sealer))
      entries.set(name, { version, size: value.length })
    }
    const next = this.contents.with(entries)
    if (next.count > MAX_RECORDS) throw new RangeError('the store has too many records')
    if (next.bytes > MAX_STORE_BYTES) throw new RangeError('the store is too large')
    const manifest = this.sealManifest(next, version, sealer)
    return { ...plan, manifest, previous: this.manifestVersion, next, sealer }
  }

  /**
   * Seals everything anew under another key, with these changes. Until it is known to be durable, either key
   * may be the one.
   * @param rows the whole store: what it says must be what this process left there, or an old copy would be sealed as new
   * @throws `KMS_STORE_TAMPERED`, and what {@link plan} throws
   */
  planReseal(sealer: Sealer, rows: readonly Row[], changes: readonly Change[]): Plan {
    const left = this.manifestVersion
    if (left === 0) throw unsettled()
    const records = this.read(rows)
    if (this.manifestVersion !== left) throw tampered('the store is not what this process left')
    const plan = this.plan([...records, ...changes], sealer)
    this.others = [...this.others, sealer]
    return plan
  }

  /** The plan is durable. */
  settle(plan: Plan): void {
    this.contents = plan.next
    if (plan.sealer !== this.sealer) this.others = []
    this.sealer = plan.sealer
    this.manifestVersion = this.newestVersion = plan.manifest.version
  }

  /** Nobody knows whether the last plan is durable: no other is made before the rows were read. */
  forget(): void {
    this.manifestVersion = 0
  }

  private open(row: Row): Uint8Array {
    try {
      return this.openRow(row)
    } catch {
      throw tampered('a record does not open')
    }
  }

  private opensWith(sealer: Sealer, row: Row): boolean {
    try {
      this.openRow(row, sealer)
      return true
    } catch {
      return false
    }
  }

  private openRow({ tbl, key, version, sealed }: Row, sealer: Sealer = this.sealer): Uint8Array {
    if (!Number.isSafeInteger(version) || version < 1) throw tampered('a record has an impossible version')
    return sealer.open({ storeId: this.storeId, table: tbl, key, version }, sealed)
  }

  private seal(place: Omit<Row, 'sealed'>, value: Uint8Array, sealer: Sealer): Row {
    const { tbl: table, key, version } = place
    return { ...place, sealed: sealer.seal({ storeId: this.storeId, table, key, version }, value) }
  }

  private sealManifest(contents: Contents, version: number, sealer: Sealer = this.sealer): Row {
    return this.seal({ ...MANIFEST, version }, contents.digest(), sealer)
  }
}

/** A store whose rows are not what this measurement wrote. */
export function tampered(message: string, cause?: unknown): SottoError {
  return kmsError('KMS_STORE_TAMPERED', message, {
    hint: 'Restore the store from where it was last intact.',
    ...(cause !== undefined && { cause }),
  })
}

function unsettled(): Error {
  return kmsError('KMS_STORE_FAILED', 'the end of the last commit is not known yet')
}

function requireName(table: string, key: string): void {
  if (table === MANIFEST.tbl) throw new RangeError('a table needs a name')
  if (table.length > MAX_NAME_LENGTH || key.length > MAX_NAME_LENGTH)
    throw new RangeError('the name is too long')
  // A NUL would move the border between the two names, and databases end text there.
  if (table.includes('\0') || key.includes('\0')) throw new RangeError('a name cannot hold NUL')
}

function byPlace(a: Row, b: Row): number {
  if (a.tbl !== b.tbl) return a.tbl < b.tbl ? -1 : 1
  return a.key < b.key ? -1 : 1
}

function nameOf(table: string, key: string): string {
  return `${table}\0${key}`
}
