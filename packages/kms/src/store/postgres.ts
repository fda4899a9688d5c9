import { crypto } from '@sotto/protocol/crypto-backend'
import { SottoError } from '@sotto/protocol/errors'
import { pause } from '../clock/index.ts'
import type { StoreAccess, StoreTerm } from './access.ts'
import { PostgresConnection } from './postgres-connection.ts'
import { ASKS_PER_LEASE, Lease, standby } from './postgres-lease.ts'
import { ensureStore, ensureTables, recordOf } from './postgres-schema.ts'
import type { PostgresAddress } from './postgres-url.ts'
import { createSealer, type Sealer } from './seal.ts'
import { type Row, SealedRecords, STORE_ID_LENGTH, tampered } from './sealed-records.ts'
import { type Change, MAX_RECORDS, MAX_STORE_BYTES, type SealedStore, type StoredRecord } from './types.ts'

/** Where a {@link SealedStore} lies, what seals it, and how long one process owns it. */
export interface PostgresStoreOptions {
  address: PostgresAddress
  /** Which of the stores in this database. */
  name: string
  /** 32 bytes derived from the root secret. */
  sealingKey: Uint8Array
  /** Other keys that an existing store may be sealed under, see `OpenStoreOptions`. */
  otherKeys?: readonly Uint8Array[]
  /** Default 5000. */
  leaseMs?: number
  /** Milliseconds, never going back. Default `performance.now`. */
  monotonic?: () => number
  /** Bound of one statement, default 15000. */
  timeoutMs?: number
}

const DEFAULT_LEASE_MS = 5000
const DEFAULT_TIMEOUT_MS = 15_000
/** Answers carry bytes as hexadecimal, and names beside them. */
const MAX_ANSWER_BYTES: number = 2 * MAX_STORE_BYTES + MAX_RECORDS * 1024
/** Rows of leases and of nothing else. */
const MAX_LEASE_ANSWER_BYTES = 65_536

const READ = `SELECT tbl, key, version, sealed FROM sotto_kms_store AS s
  LEFT JOIN sotto_kms_record AS r ON r.store = s.name WHERE s.name = $1 AND s.owner = $2 LIMIT ${MAX_RECORDS + 2}`

/**
 * One statement, so one transaction that waits for nothing a stopped process could withhold. Nothing is written
 * unless the store is still ours ("owner") and holds what we wrote last ("manifest").
 */
const COMMIT = `WITH owner AS (
    UPDATE sotto_kms_store SET term = term WHERE name = $1 AND owner = $2 RETURNING name
  ), manifest AS (
    UPDATE sotto_kms_record AS r SET version = $3::bigint, sealed = $4::bytea FROM owner
    WHERE r.store = owner.name AND r.tbl = '' AND r.key = 'manifest' AND r.version = $5::bigint RETURNING r.store
  ), removed AS (
    DELETE FROM sotto_kms_record AS r USING manifest, unnest($6::text[], $7::text[]) AS gone (tbl, key)
    WHERE r.store = manifest.store AND r.tbl = gone.tbl AND r.key = gone.key
  ), written AS (
    INSERT INTO sotto_kms_record (store, tbl, key, version, sealed)
    SELECT manifest.store, fresh.tbl, fresh.key, fresh.version, fresh.sealed
    FROM manifest, unnest($8::text[], $9::text[], $10::bigint[], $11::bytea[]) AS fresh (tbl, key, version, sealed)
    ON CONFLICT (store, tbl, key) DO UPDATE SET version = excluded.version, sealed = excluded.sealed
  )
  SELECT (SELECT count(*)::int FROM owner) AS owner, (SELECT count(*)::int FROM manifest) AS manifest`

/**
 * A sealed store in PostgreSQL, shared by the replicas of one KMS: one owns it, the others wait. The database is
 * trusted with nothing but to be there: values are sealed, and rows that were tampered with are noticed.
 */
export function openPostgresStore(options: PostgresStoreOptions): StoreAccess {
  const { address, name, leaseMs = DEFAULT_LEASE_MS, timeoutMs = DEFAULT_TIMEOUT_MS } = options
  const timing = { leaseMs, monotonic: options.monotonic ?? (() => performance.now()) }
  const sealers = [options.sealingKey, ...(options.otherKeys ?? [])].map(createSealer) as [
    Sealer,
    ...Sealer[],
  ]
  const data = new PostgresConnection({ address, timeoutMs, maxAnswerBytes: MAX_ANSWER_BYTES })
  // Apart from the data: a large read must not make a lease run out, and a lease is lost long before `timeoutMs`.
  const leases = new PostgresConnection({
    address,
    timeoutMs: Math.min(timeoutMs, leaseMs / 2),
    maxAnswerBytes: MAX_LEASE_ANSWER_BYTES,
  })

  async function tryAcquire(): Promise<StoreTerm | undefined> {
    const records = await openRecords(data, name, sealers)
    const lease = await Lease.take(name, leases, timing)
    if (lease === undefined) return undefined
    const store = new PostgresStore(data, lease, records)
    try {
      await store.readAll()
    } catch (error) {
      await lease.end()
      throw error
    }
    return {
      store,
      isHeld: () => lease.isHeld(),
      confirm: () => lease.confirm(),
      ended: lease.ended,
      end: () => lease.end(),
    }
  }

  return {
    isShared: true,
    async acquire(signal, report) {
      for (;;) {
        signal.throwIfAborted()
        let code = 'KMS_STANDBY'
        try {
          const term = await tryAcquire()
          if (term !== undefined) return term
        } catch (error) {
          if (!(error instanceof SottoError) || error.action !== 'retry') throw error
          code = error.code
        }
        report?.(code)
        await pause(leaseMs / ASKS_PER_LEASE, signal)
      }
    },
    async close() {
      await Promise.all([data.close(), leases.close()])
    },
  }
}

/** The store's own identity, and proof that this process can open it: better now than when it takes over. */
async function openRecords(
  data: PostgresConnection,
  name: string,
  sealers: [Sealer, ...Sealer[]],
): Promise<SealedRecords> {
  await ensureTables(data)
  const id = crypto.randomBytes(STORE_ID_LENGTH)
  const manifest = new SealedRecords(sealers, id).firstManifest()
  const records = new SealedRecords(sealers, await ensureStore(data, name, { id, manifest }))
  const [row] = await data.query(
    "SELECT tbl, key, version, sealed FROM sotto_kms_record WHERE store = $1 AND tbl = '' AND key = 'manifest'",
    [name],
  )
  if (row === undefined) throw tampered('the manifest is missing')
  records.openManifest(recordOf(row))
  return records
}

/** The store for as long as `lease` stands in the database. */
class PostgresStore implements SealedStore {
  private readonly data: PostgresConnection
  private readonly lease: Lease
  private readonly sealed: SealedRecords
  private isUncertain = false

  constructor(data: PostgresConnection, lease: Lease, records: SealedRecords) {
    this.data = data
    this.lease = lease
    this.sealed = records
  }

  async readAll(): Promise<StoredRecord[]> {
    // A commit whose end is not known may still be on its way: from here on it comes too late.
    if (this.isUncertain) await this.lease.rename()
    this.isUncertain = false
    return this.sealed.read(await this.readRows())
  }

  async commit(changes: readonly Change[], sealingKey?: Uint8Array): Promise<void> {
    const plan =
      sealingKey === undefined
        ? this.sealed.plan(changes)
        : this.sealed.planReseal(createSealer(sealingKey), await this.readRows(), changes)
    this.sealed.forget()
    this.isUncertain = true
    const { manifest, removes, upserts } = plan
    const [row] = await this.data.query(COMMIT, [
      this.lease.name,
      this.lease.owner,
      manifest.version,
      Buffer.from(manifest.sealed),
      plan.previous,
      removes.map(({ tbl }) => tbl),
      removes.map(({ key }) => key),
      upserts.map(({ tbl }) => tbl),
      upserts.map(({ key }) => key),
      upserts.map(({ version }) => version),
      upserts.map(({ sealed }) => Buffer.from(sealed)),
    ])
    if (row?.['owner'] !== 1) throw this.lost()
    if (row['manifest'] !== 1) throw tampered('the store is not what this process left')
    this.sealed.settle(plan)
    this.isUncertain = false
  }

  async close(): Promise<void> {
    await this.lease.end()
  }

  private async readRows(): Promise<Row[]> {
    const rows = await this.data.query(READ, [this.lease.name, this.lease.owner])
    if (rows.length === 0) throw this.lost()
    if (rows.length === 1 && rows[0]!['tbl'] === null) throw tampered('the manifest is missing')
    return rows.map(recordOf)
  }

  private lost(): Error {
    this.lease.lose()
    return standby()
  }
}
