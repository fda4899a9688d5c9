import { deriveRoot } from '../../src/root/index.ts'
import {
  openPostgresStore,
  parseDatabaseUrl,
  type StoreAccess,
  type StoreTerm,
} from '../../src/store/index.ts'
import type { World } from '../world.ts'
import type { PostgresServer } from './server.ts'

/** Longer than any test: these are about the data, and have one owner at a time. */
const LEASE_MS = 60_000

/** Opens stores in one database as a start does: sealed under what is derived from the root secrets it obtained. */
export class KmsStores {
  readonly #server: () => PostgresServer
  readonly #opened: StoreAccess[] = []
  readonly #terms = new WeakMap<World, StoreTerm>()
  #count = 0

  constructor(server: () => PostgresServer) {
    this.#server = server
  }

  /** A name that no other test has. */
  newName(): string {
    return `kms-${this.#count++}`
  }

  /**
   * Makes the world's next start work over the store `name`, and ends the term of its last one.
   * @param url of the database, absent: over the Unix socket
   */
  async use(world: World, name: string, url: string = this.#server().url()): Promise<StoreTerm> {
    await this.end(world)
    const term = await this.acquire(
      name,
      world.root.obtained.secrets.map((secret) => deriveRoot(secret).sealingKey()),
      url,
    )
    world.store = term.store
    world.term = term
    this.#terms.set(world, term)
    return term
  }

  /** Ends the term of a world's last start, as its process does. */
  async end(world: World): Promise<void> {
    await this.#terms.get(world)?.end()
  }

  /**
   * Opens the store `name`; a term of it that stands in the database ends.
   * @throws the errors of the store, such as `KMS_STORE_SEALED`
   */
  async acquire(
    name: string,
    [sealingKey, ...otherKeys]: readonly Uint8Array[],
    url: string = this.#server().url(),
  ): Promise<StoreTerm> {
    const access = openPostgresStore({
      address: parseDatabaseUrl(url),
      name,
      sealingKey: sealingKey!,
      otherKeys,
      leaseMs: LEASE_MS,
    })
    this.#opened.push(access)
    // Whoever had it before has ended, or its lease would have.
    this.#server().psql(
      `DO $$ BEGIN IF to_regclass('sotto_kms_store') IS NOT NULL THEN
         UPDATE sotto_kms_store SET owner = NULL WHERE name = '${name}'; END IF; END $$`,
    )
    return access.acquire(AbortSignal.timeout(10_000))
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.splice(0).map((access) => access.close()))
  }
}
