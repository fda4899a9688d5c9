import { crypto } from '@sotto/protocol/crypto-backend'
import { kmsError } from '../errors.ts'
import type { PostgresConnection } from './postgres-connection.ts'

/** How long a store stays with a process that says nothing. */
export interface LeaseTiming {
  /** Milliseconds, 1000 to 60000. */
  leaseMs: number
  /** Milliseconds, never going back. */
  monotonic: () => number
}

/** Of a lease we count only so much, should our clock run slower than the database's. */
const COUNTED = 0.9
/** Renewals and looks of those who wait, per lease. */
export const ASKS_PER_LEASE = 4
const OWNER_LENGTH = 16

// Times are the database's: those who compete for a store need not agree on the hour.
const TAKE = `UPDATE sotto_kms_store SET owner = $2, term = term + 1, expires = clock_timestamp() + $3 * interval '1 ms'
  WHERE name = $1 AND (owner IS NULL OR expires <= clock_timestamp()) RETURNING term`
// A lease that ran out and that nobody took is as good as one that did not.
const RENEW = `UPDATE sotto_kms_store SET expires = clock_timestamp() + $3 * interval '1 ms'
  WHERE name = $1 AND owner = ANY($2::bytea[]) RETURNING term`
const CONFIRM = `SELECT 1 FROM sotto_kms_store WHERE name = $1 AND owner = ANY($2::bytea[]) AND expires > clock_timestamp()`
const GIVE_UP = `UPDATE sotto_kms_store SET owner = NULL, expires = '-infinity' WHERE name = $1 AND owner = ANY($2::bytea[])`
// Waits for whatever statement of the owner is under way, and ends what is still on its way.
const RENAME = `UPDATE sotto_kms_store SET owner = $3 WHERE name = $1 AND owner = ANY($2::bytea[]) RETURNING term`

/**
 * One term as the owner of a store: a random token in the store's row, renewed until somebody else's stands there.
 * Every commit names the token, so that what a former owner still sends changes nothing.
 */
export class Lease {
  readonly name: string
  readonly ended: Promise<void>
  private readonly connection: PostgresConnection
  private readonly timing: LeaseTiming
  private token: Buffer
  /** The token that takes its place, while nobody knows whether it has. */
  private nextToken: Buffer | undefined
  private heldUntil: number
  private isEnded = false
  private resolveEnded: () => void = () => undefined
  private timer: NodeJS.Timeout | undefined

  private constructor(
    name: string,
    owner: Buffer,
    connection: PostgresConnection,
    timing: LeaseTiming,
    asked: number,
  ) {
    this.name = name
    this.token = owner
    this.connection = connection
    this.timing = timing
    this.heldUntil = asked + timing.leaseMs * COUNTED
    this.ended = new Promise((resolve) => (this.resolveEnded = resolve))
    this.renewLater()
  }

  /** Takes the store if it is free; `undefined` while another process owns it. @throws the errors of the connection */
  static async take(
    name: string,
    connection: PostgresConnection,
    timing: LeaseTiming,
  ): Promise<Lease | undefined> {
    const owner = Buffer.from(crypto.randomBytes(OWNER_LENGTH))
    const asked = timing.monotonic()
    const rows = await connection.query(TAKE, [name, owner, timing.leaseMs])
    return rows.length === 1 ? new Lease(name, owner, connection, timing, asked) : undefined
  }

  /** The token that commits name. */
  get owner(): Buffer {
    return this.token
  }

  /** Tokens of this term that may stand in the row. */
  private get tokens(): Buffer[] {
    return this.nextToken === undefined ? [this.token] : [this.token, this.nextToken]
  }

  /**
   * Goes on under another token: a commit that was given up and is still on its way, in a network or in the database,
   * finds no owner and changes nothing. When this returns, what the store holds stays until this process changes it.
   * @throws `KMS_STANDBY`, and the errors of the connection, after which it can be called again
   */
  async rename(): Promise<void> {
    this.require()
    this.nextToken ??= Buffer.from(crypto.randomBytes(OWNER_LENGTH))
    const next = this.nextToken
    const ask = (): ReturnType<PostgresConnection['query']> =>
      this.connection.query(RENAME, [this.name, this.tokens, next])
    // Whatever broke the connection of the commit broke this one too: the second time it is a new one.
    const rows = await ask().catch(ask)
    if (rows.length === 0) {
      this.lose()
      throw standby()
    }
    this.token = next
    this.nextToken = undefined
  }

  /** False from the moment another process may own the store. */
  isHeld(): boolean {
    return !this.isEnded && this.timing.monotonic() < this.heldUntil
  }

  /**
   * Asks the database. Our own clock may have stood still: a hypervisor can stop a machine.
   * @throws `KMS_STANDBY`, and the errors of the connection
   */
  async confirm(): Promise<void> {
    this.require()
    const { token } = this
    const rows = await this.connection.query(CONFIRM, [this.name, this.tokens])
    this.require()
    if (rows.length === 1) return
    if (token === this.token) throw standby()
    await this.confirm()
  }

  /** The database said that another process owns the store. */
  lose(): void {
    this.isEnded = true
    clearTimeout(this.timer)
    this.resolveEnded()
  }

  /** Gives the store up. */
  async end(): Promise<void> {
    if (this.isEnded) return
    this.lose()
    // Best effort: whoever waits takes over all the same, a lease later.
    await this.connection.query(GIVE_UP, [this.name, this.tokens]).catch(() => undefined)
  }

  private require(): void {
    if (!this.isHeld()) throw standby()
  }

  private renewLater(): void {
    if (this.isEnded) return
    this.timer = setTimeout(() => void this.prolong(), this.timing.leaseMs / ASKS_PER_LEASE).unref()
  }

  private async prolong(): Promise<void> {
    const asked = this.timing.monotonic()
    const { token } = this
    try {
      const rows = await this.connection.query(RENEW, [this.name, this.tokens, this.timing.leaseMs])
      // Another token took the place of this one while the question waited in line: the next one asks with that.
      if (rows.length === 0 && token === this.token) this.lose()
      else if (rows.length > 0) this.heldUntil = asked + this.timing.leaseMs * COUNTED
    } catch {
      // The lease runs out by itself; until then it is asked for again.
    }
    this.renewLater()
  }
}

/** What a process answers while it does not own the store. */
export function standby(): Error {
  return kmsError('KMS_STANDBY', 'this replica does not own the store', { hint: 'Ask another replica.' })
}
