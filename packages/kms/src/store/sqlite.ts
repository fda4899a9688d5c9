import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { concat, equalBytes, uint, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { SottoError } from '@sotto/protocol/errors'
import { kmsError } from '../errors.ts'
import { createSealer, type Sealer } from './seal.ts'
import { storeFailure } from './sqlite-errors.ts'
import { type Change, MAX_RECORDS, MAX_VALUE_BYTES, type SealedStore, type StoredRecord } from './types.ts'

/** Where a {@link SealedStore} lies and what seals it. */
export interface SqliteStoreOptions {
  /** Database file; created when absent. */
  path: string
  /** 32 bytes out of `TrustedHardware.deriveSealingKey`. */
  sealingKey: Uint8Array
}

interface Row {
  tbl: string
  key: string
  version: number
  sealed: Uint8Array
}

const STORE_ID_LENGTH = 16
/** The one record about the store itself: which versions of which records belong together. */
const MANIFEST = { table: '', key: 'manifest' } as const

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
    return new SqliteStore(database, createSealer(options.sealingKey))
  } catch (error) {
    database?.close()
    throw error instanceof SottoError ? error : storeFailure(error)
  }
}

/** See {@link openSqliteStore}. */
export class SqliteStore implements SealedStore {
  private readonly database: DatabaseSync
  private readonly sealer: Sealer
  private readonly storeId: Uint8Array
  private readonly selectAll: StatementSync
  private readonly upsert: StatementSync
  private readonly remove: StatementSync
  private versions: Map<string, number> = new Map()
  private mustCheckpoint = false

  constructor(database: DatabaseSync, sealer: Sealer) {
    this.database = database
    this.sealer = sealer
    this.selectAll = database.prepare('SELECT tbl, key, version, sealed FROM record ORDER BY tbl, key')
    this.upsert = database.prepare(
      'INSERT INTO record (tbl, key, version, sealed) VALUES (?, ?, ?, ?) ON CONFLICT (tbl, key) DO UPDATE SET version = excluded.version, sealed = excluded.sealed',
    )
    this.remove = database.prepare('DELETE FROM record WHERE tbl = ? AND key = ?')
    this.storeId = this.openOrCreate()
    this.readSync()
  }

  readAll(): Promise<StoredRecord[]> {
    return settle(() => this.readSync())
  }

  commit(changes: readonly Change[]): Promise<void> {
    return settle(() => this.commitSync(changes))
  }

  close(): Promise<void> {
    return settle(() => this.database.close())
  }

  /** The raw database, for tests that need a disk to be full. */
  exec(sql: string): void {
    this.database.exec(sql)
  }

  private openOrCreate(): Uint8Array {
    const found = this.database.prepare('SELECT id FROM store').get() as { id: Uint8Array } | undefined
    if (found !== undefined) return found.id
    const id = crypto.randomBytes(STORE_ID_LENGTH)
    this.inTransaction(() => {
      this.database.prepare('INSERT INTO store (one, id) VALUES (1, ?)').run(id)
      this.writeManifest(id, new Map(), 1)
    })
    return id
  }

  private readSync(): StoredRecord[] {
    const rows = this.selectAll.all() as unknown as Row[]
    if (rows.length > MAX_RECORDS + 1) throw tampered('more records than the store ever holds')
    const manifest = rows.find((row) => row.tbl === MANIFEST.table)
    if (manifest === undefined) throw tampered('the manifest is missing')
    const expected = this.openRow(manifest, 'KMS_STORE_SEALED')
    const records = rows.filter((row) => row !== manifest)
    const versions = new Map(records.map((row) => [nameOf(row.tbl, row.key), row.version]))
    if (!equalBytes(digestOf(versions), expected)) throw tampered('records were removed, added or put back')
    const opened = records.map((row) => ({
      table: row.tbl,
      key: row.key,
      value: this.openRow(row, 'KMS_STORE_TAMPERED'),
    }))
    this.versions = versions.set(nameOf(MANIFEST.table, MANIFEST.key), manifest.version)
    return opened
  }

  private commitSync(changes: readonly Change[]): void {
    const versions = new Map(this.versions)
    const manifestVersion = versions.get(nameOf(MANIFEST.table, MANIFEST.key))! + 1
    versions.delete(nameOf(MANIFEST.table, MANIFEST.key))
    this.inTransaction(() => {
      for (const change of changes) this.apply(change, versions)
      if (versions.size > MAX_RECORDS) throw new RangeError('the store has too many records')
      this.writeManifest(this.storeId, versions, manifestVersion)
    })
    this.versions = versions.set(nameOf(MANIFEST.table, MANIFEST.key), manifestVersion)
    if (changes.some((change) => change.value === null)) this.mustCheckpoint = true
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

  private apply({ table, key, value }: Change, versions: Map<string, number>): void {
    if (table === MANIFEST.table) throw new RangeError('a table needs a name')
    const name = nameOf(table, key)
    if (value === null) {
      this.remove.run(table, key)
      versions.delete(name)
      return
    }
    if (value.length > MAX_VALUE_BYTES) throw new RangeError('the value is too large')
    // Versions never repeat, even for a record that was removed in between.
    const version = (this.versions.get(nameOf(MANIFEST.table, MANIFEST.key)) ?? 0) + 1
    this.upsert.run(
      table,
      key,
      version,
      this.sealer.seal({ storeId: this.storeId, table, key, version }, value),
    )
    versions.set(name, version)
  }

  private writeManifest(storeId: Uint8Array, versions: ReadonlyMap<string, number>, version: number): void {
    const sealed = this.sealer.seal({ storeId, ...MANIFEST, version }, digestOf(versions))
    this.upsert.run(MANIFEST.table, MANIFEST.key, version, sealed)
  }

  private openRow(row: Row, code: 'KMS_STORE_SEALED' | 'KMS_STORE_TAMPERED'): Uint8Array {
    const place = { storeId: this.storeId, table: row.tbl, key: row.key, version: row.version }
    try {
      return this.sealer.open(place, row.sealed)
    } catch (cause) {
      if (code === 'KMS_STORE_TAMPERED') throw tampered('a record does not open')
      throw kmsError(code, 'this store was sealed by another measurement or machine', {
        hint: 'Start the KMS release that made it, on the machine that made it, or begin with an empty store.',
        cause,
      })
    }
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

function nameOf(table: string, key: string): string {
  return `${table}\0${key}`
}

/** SHA-256 over every record's name and version, in order. */
function digestOf(versions: ReadonlyMap<string, number>): Uint8Array {
  const parts: Uint8Array[] = []
  for (const name of [...versions.keys()].sort()) {
    const bytes = utf8(name)
    parts.push(uint(bytes.length, 4), bytes, uint(versions.get(name)!, 6))
  }
  return crypto.sha256(concat(...parts))
}

function tampered(message: string): SottoError {
  return kmsError('KMS_STORE_TAMPERED', message, { hint: 'Restore the store from where it was last intact.' })
}

async function settle<T>(work: () => T): Promise<T> {
  try {
    return work()
  } catch (error) {
    if (error instanceof SottoError || error instanceof RangeError) throw error
    throw storeFailure(error)
  }
}
