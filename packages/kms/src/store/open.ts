import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { StoreAccess } from './access.ts'
import { openPostgresStore } from './postgres.ts'
import { DATABASE_URL, parseDatabaseUrl } from './postgres-url.ts'
import { openSqliteStore } from './sqlite.ts'

/** Where the store of a KMS is kept: in a directory of this machine, or in a database that replicas share. */
export type StoreLocation =
  | string
  | {
      postgres: {
        /** Which store of the database; where the database is says the environment. */
        name: string
        /** A process that was silent for so long no longer owns the store. */
        leaseSeconds: number
      }
    }

/** What {@link openStore} needs beside the configuration. */
export interface OpenStoreOptions {
  /** Keys derived from root secrets, 32 bytes each: the store is sealed under one of them, a new one under the first. */
  sealingKeys: readonly Uint8Array[]
  /** The database's URL is read from `SOTTO_KMS_DATABASE_URL`. */
  env: Readonly<Record<string, string | undefined>>
}

/**
 * Opens the store a configuration names. A file is ours at once, or nobody's; a database is asked by `acquire`.
 * @throws `KMS_STORE_ACCESS`; for a file also `KMS_STORE_IN_USE`, `KMS_STORE_SEALED`, `KMS_STORE_TAMPERED`,
 * `KMS_STORE_FULL`, `KMS_STORE_FAILED`
 */
export async function openStore(location: StoreLocation, options: OpenStoreOptions): Promise<StoreAccess> {
  const { sealingKeys, env } = options
  const [sealingKey, ...otherKeys] = sealingKeys
  if (typeof location !== 'string') {
    const { name, leaseSeconds } = location.postgres
    const address = parseDatabaseUrl(env[DATABASE_URL])
    return openPostgresStore({
      address,
      name,
      sealingKey: sealingKey!,
      otherKeys,
      leaseMs: leaseSeconds * 1000,
    })
  }
  await mkdir(location, { recursive: true, mode: 0o700 })
  const store = openSqliteStore({ path: join(location, 'kms.sqlite'), sealingKey: sealingKey!, otherKeys })
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  return {
    isShared: false,
    acquire: () =>
      Promise.resolve({
        store,
        isHeld: () => true,
        confirm: () => Promise.resolve(),
        ended,
        end: () => Promise.resolve(end()),
      }),
    close: () => store.close(),
  }
}
