import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { crypto } from '@sotto/protocol/crypto-backend'
import { SottoError } from '@sotto/protocol/errors'
import { createSealer, type Sealer } from './seal.ts'
import { type Row, SealedRecords, STORE_ID_LENGTH } from './sealed-records.ts'
import { storeFailure } from './sqlite-errors.ts'
import type { Change, SealedStore, StoredRecord } from './types.ts'

/** Where a {@link SealedStore} lies and what seals it. */
export interface SqliteStoreOptions {
  /** Database file; created when absent. */
  path: string
  /** 32 bytes derived from the root secret. */
  sealingKey: Uint8Array
  /** Other keys that an existing store may be sealed under, see `OpenStoreOptions`. */
  otherKeys?: readonly Uint8Array[]
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS record (
    tbl TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, sealed BLOB NOT NULL,
    PRIMARY KEY (tbl, key)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS store (one INTEGER PRIMARY KEY CHECK (one = 1), id BLOB NOT NULL) STRICT;
`

/**
 * Opens or creates a sealed store in one SQLite file: write-ahead log, `synchronous=FULL`, deleted
 * and overwritten pages zeroed, locked for this process alone.
 * @throws `KMS_STORE_IN_USE`, `KMS_STORE_SEALED`, `KMS_STORE_TAMPERED`, `KMS_STORE_FULL`, `KMS_STORE_FAILED`
 */
export function openSqliteStore(options: SqliteStoreOptions): SqliteStore {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(options.path, { timeout: 200 })
    database.exec('PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL')
    database.exec('PRAGMA secure_delete=ON; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON')
    database.exec(SCHEMA)
    const { sealingKey, otherKeys = [] } = options
    return new SqliteStore(database, [createSealer(sealingKey), ...otherKeys.map(createSealer)])
  } catch (error) {
    database?.close()
    throw error instanceof SottoError ? error : storeFailure(error)
  }
}

/** See {@link openSqliteStore}. */
export class SqliteStore implements SealedStore {
  private readonly database: DatabaseSync
  private readonly sealed: SealedRecords
  private readonly selectAll: StatementSync
  private readonly upsert: StatementSync
  private readonly remove: StatementSync
  private mustCheckpoint = false

  constructor(database: DatabaseSync, sealers: [Sealer, ...Sealer[]]) {
    this.database = database
    this.selectAll = database.prepare('SELECT tbl, key, version, sealed FROM record ORDER BY tbl, key')
    this.upsert = database.prepare(
      'INSERT INTO record (tbl, key, version, sealed) VALUES (?, ?, ?, ?) ON CONFLICT (tbl, key) DO UPDATE SET version = excluded.version, sealed = excluded.sealed',
    )
    this.remove = database.prepare('DELETE FROM record WHERE tbl = ? AND key = ?')
    this.sealed = this.openOrCreate(sealers)
    this.readSync()
  }

  readAll(): Promise<StoredRecord[]> {
    return settle(() => this.readSync())
  }

  commit(changes: readonly Change[], sealingKey?: Uint8Array): Promise<void> {
    return settle(() => this.commitSync(changes, sealingKey))
  }

  close(): Promise<void> {
    return settle(() => this.database.close())
  }

  /** The raw database, for tests that need a disk to be full. */
  exec(sql: string): void {
    this.database.exec(sql)
  }

  private openOrCreate(sealers: [Sealer, ...Sealer[]]): SealedRecords {
    const found = this.database.prepare('SELECT id FROM store').get() as { id: Uint8Array } | undefined
    if (found !== undefined) return new SealedRecords(sealers, found.id)
    const id = crypto.randomBytes(STORE_ID_LENGTH)
    const records = new SealedRecords(sealers, id)
    this.inTransaction(() => {
      this.database.prepare('INSERT INTO store (one, id) VALUES (1, ?)').run(id)
      this.write(records.firstManifest())
    })
    return records
  }

  private readSync(): StoredRecord[] {
    return this.sealed.read(this.rows())
  }

  private rows(): Row[] {
    return this.selectAll.all() as unknown as Row[]
  }

  private commitSync(changes: readonly Change[], sealingKey: Uint8Array | undefined): void {
    const plan =
      sealingKey === undefined
        ? this.sealed.plan(changes)
        : this.sealed.planReseal(createSealer(sealingKey), this.rows(), changes)
    this.sealed.forget()
    this.inTransaction(() => {
      for (const { tbl, key } of plan.removes) this.remove.run(tbl, key)
      for (const row of plan.upserts) this.write(row)
      this.write(plan.manifest)
    })
    this.sealed.settle(plan)
    if (plan.removes.length > 0 || sealingKey !== undefined) this.mustCheckpoint = true
    this.checkpoint()
  }

  /** Frames of the write-ahead log still hold what was removed; when this fails it is tried again. */
  private checkpoint(): void {
    if (!this.mustCheckpoint) return
    try {
      const { busy } = this.database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get() as { busy: number }
      this.mustCheckpoint = busy !== 0
    } catch {
      // The commit before it stands; only the erasing is late.
    }
  }

  private write({ tbl, key, version, sealed }: Row): void {
    this.upsert.run(tbl, key, version, sealed)
  }

  private inTransaction(work: () => void): void {
    this.database.exec('BEGIN IMMEDIATE')
    try {
      work()
      this.database.exec('COMMIT')
    } catch (error) {
      if (this.database.isTransaction) this.database.exec('ROLLBACK')
      throw error
    }
  }
}

async function settle<T>(work: () => T): Promise<T> {
  try {
    return work()
  } catch (error) {
    if (error instanceof SottoError || error instanceof RangeError) throw error
    throw storeFailure(error)
  }
}
