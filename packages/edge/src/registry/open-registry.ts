import { join } from 'node:path'
import type { App } from '@sotto/serve/errors'
import type { LogClient } from '@sotto/serve/log-client'
import { openOwners } from '../owners/index.ts'
import { createRegistryApp } from './app.ts'
import { openBlobFiles } from './blobs.ts'
import { openCatalogue } from './catalogue.ts'
import { openRegistryDatabase } from './database.ts'
import { sweep, type Swept } from './sweep.ts'
import { openUploads, recoverUploads } from './uploads.ts'

/** Everything a registry needs from outside. */
export interface OpenRegistryOptions {
  /** Folder of everything it keeps. */
  store: string
  genesis: string
  /** File of the owners. */
  owners: string
  log: Pick<LogClient, 'append'>
  uploadRestSeconds: number
  maxUploads: number
  /** Unix seconds. */
  now: () => number
  /** Bound of the database, for tests. */
  maxPages?: number
  onError?: (code: string) => void
}

/** A registry without its listener. */
export interface RunningRegistry {
  app: App
  /** Throws away what expired, and puts removals into the log that it would not take before. */
  tick(): Promise<Swept>
  close(): void
}

/** Opens the store and brings files and database in line. @throws `STORE_IN_USE`, `STORE_CORRUPT` */
export function openRegistry(options: OpenRegistryOptions): RunningRegistry {
  const { now, log, maxUploads, uploadRestSeconds, onError } = options
  const files = openBlobFiles(options.store)
  const database = openRegistryDatabase(join(options.store, 'registry.db'), options.maxPages)
  recoverUploads(database, files)
  const clean = (): Swept => sweep(database, files, { now: now(), uploadRestSeconds })
  const catalogue = openCatalogue({ database, log, maxUploads, now })
  const app = createRegistryApp({
    genesis: options.genesis,
    owners: openOwners(options.owners, {
      code: 'REGISTRY_OWNER',
      stranger: 'this registry takes no models of this owner',
    }),
    uploads: openUploads({ database, files, maxUploads, now }),
    catalogue,
    database,
    files,
    now,
    onRemoved: clean,
    ...(onError && { onError }),
  })
  return {
    app,
    async tick() {
      const swept = clean()
      await catalogue.finishRemovals()
      return swept
    },
    close: () => database.close(),
  }
}
