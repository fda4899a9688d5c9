import { hasCode } from '@sotto/protocol/errors'
import type { AnswerRow, PostgresConnection } from './postgres-connection.ts'
import { type Row, tampered } from './sealed-records.ts'

/**
 * `sotto_kms_store` has one row per logical store: its identity, and which process owns it until when.
 * `sotto_kms_record` has the sealed records. Names are compared byte by byte, whatever the database's language.
 */
const TABLES = [
  `CREATE TABLE IF NOT EXISTS sotto_kms_store (
     name text COLLATE "C" PRIMARY KEY, id bytea NOT NULL,
     owner bytea, term bigint NOT NULL DEFAULT 0, expires timestamptz NOT NULL DEFAULT '-infinity')`,
  `CREATE TABLE IF NOT EXISTS sotto_kms_record (
     store text COLLATE "C", tbl text COLLATE "C", key text COLLATE "C", version bigint NOT NULL, sealed bytea NOT NULL,
     PRIMARY KEY (store, tbl, key))`,
]

/** Makes the tables unless they are there; a user who may not make tables is fine when they are. */
export async function ensureTables(connection: PostgresConnection): Promise<void> {
  const [found] = await connection.query(
    `SELECT to_regclass('sotto_kms_store') IS NOT NULL AND to_regclass('sotto_kms_record') IS NOT NULL AS ok`,
  )
  if (found?.['ok'] === true) return
  for (const table of TABLES) {
    // Two processes that make one table at once: PostgreSQL lets one of them fail, and the table is there.
    await connection.query(table).catch((error: unknown) => {
      if (!hasCode(error, 'KMS_STORE_FAILED')) throw error
      return connection.query(table)
    })
  }
}

/**
 * The identity of the logical store `name`, made with `firstManifest` unless it is there.
 * @throws `KMS_STORE_TAMPERED` when the database answers something no store has
 */
export async function ensureStore(
  connection: PostgresConnection,
  name: string,
  fresh: { id: Uint8Array; manifest: Row },
): Promise<Uint8Array> {
  const select = 'SELECT id FROM sotto_kms_store WHERE name = $1'
  const [found] = await connection.query(select, [name])
  if (found !== undefined) return bytesOf(found, 'id')
  const { tbl, key, version, sealed } = fresh.manifest
  // Identity and manifest in one statement: a store without a manifest has been tampered with.
  await connection.query(
    `WITH made AS (INSERT INTO sotto_kms_store (name, id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING name)
     INSERT INTO sotto_kms_record (store, tbl, key, version, sealed)
     SELECT name, $3::text, $4::text, $5::bigint, $6::bytea FROM made`,
    [name, Buffer.from(fresh.id), tbl, key, version, Buffer.from(sealed)],
  )
  const [made] = await connection.query(select, [name])
  if (made === undefined) throw tampered('the database does not keep what it acknowledged')
  return bytesOf(made, 'id')
}

/** A row of `sotto_kms_record`. @throws `KMS_STORE_TAMPERED` */
export function recordOf(row: AnswerRow): Row {
  const { tbl, key, version } = row
  if (
    typeof tbl !== 'string' ||
    typeof key !== 'string' ||
    typeof version !== 'string' ||
    !/^\d{1,16}$/.test(version)
  )
    throw tampered('the database answers something that is no record')
  return { tbl, key, version: Number(version), sealed: bytesOf(row, 'sealed') }
}

function bytesOf(row: AnswerRow, name: string): Uint8Array {
  const value = row[name]
  if (!(value instanceof Uint8Array)) throw tampered('the database answers something that is no record')
  return new Uint8Array(value)
}
