import { randomBytes } from 'node:crypto'
import { edgeError } from '../errors.ts'
import { isSameDigest, nameApiKey, newApiKey, unauthorized } from './api-keys.ts'
import type { IssuerDatabase } from './database.ts'
import { type Period } from './periods.ts'

/** An account. Its name is for the operator; it is all the issuer knows about a customer. */
export interface Account {
  id: string
  name: string
  /** Seconds since the Unix epoch, here and below. */
  created: number
}

/** An API key without its secret. */
export interface ApiKey {
  id: string
  created: number
  /** When it ends; null: until it is revoked. */
  notAfter: number | null
}

/** Tokens of one class an account may have in each period. */
export interface Quota {
  class: string
  tokens: number
  period: Period
}

/** API keys of one account that are in force at a time. */
export const MAX_API_KEYS = 32

/** Accounts, their API keys and quotas. All of it is durable when a method returns. */
export interface Accounts {
  create(name: string): Account
  list(): Account[]
  /** @throws `ISSUER_ACCOUNT` */
  find(id: string): Account
  /** Makes an API key; the secret is told once. @throws `ISSUER_ACCOUNT` */
  addKey(account: string, notAfter: number | null): ApiKey & { secret: string }
  /** Makes another one, and ends the old one after `graceSeconds`. @throws `ISSUER_ACCOUNT` */
  rotateKey(account: string, keyId: string, graceSeconds: number): ApiKey & { secret: string }
  /** Ends a key now. @throws `ISSUER_ACCOUNT` */
  revokeKey(account: string, keyId: string): void
  keys(account: string): ApiKey[]
  setQuota(account: string, quota: Quota): void
  quotas(account: string): Quota[]
  /** The account whose key this is. @throws `ISSUER_UNAUTHORIZED` unknown, revoked or expired, all alike */
  authenticate(secret: string): string
}

interface KeyRow {
  id: string
  account: string
  digest: Uint8Array
  created: number
  not_after: number | null
}

/** Accounts in the issuer's database. `now`: seconds since the Unix epoch. */
export function openAccounts(database: IssuerDatabase, now: () => number): Accounts {
  const { db, guarded, transaction } = database
  const insertAccount = db.prepare('INSERT INTO accounts (id, name, created) VALUES (?, ?, ?)')
  const selectAccount = db.prepare('SELECT id, name, created FROM accounts WHERE id = ?')
  const selectAccounts = db.prepare('SELECT id, name, created FROM accounts ORDER BY created, id')
  const insertKey = db.prepare(
    'INSERT INTO api_keys (id, account, digest, created, not_after) VALUES (?, ?, ?, ?, ?)',
  )
  const selectKey = db.prepare('SELECT id, account, digest, created, not_after FROM api_keys WHERE id = ?')
  const selectKeys = db.prepare(
    'SELECT id, account, digest, created, not_after FROM api_keys WHERE account = ? ORDER BY created, id',
  )
  const endKey = db.prepare('UPDATE api_keys SET not_after = ? WHERE id = ? AND account = ?')
  const upsertQuota = db.prepare(
    'INSERT INTO quotas (account, class, tokens, period) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET tokens = excluded.tokens, period = excluded.period',
  )
  const selectQuotas = db.prepare('SELECT class, tokens, period FROM quotas WHERE account = ? ORDER BY class')

  function find(id: string): Account {
    const account = guarded(() => selectAccount.get(id)) as Account | undefined
    if (account === undefined) throw edgeError('ISSUER_ACCOUNT', 'there is no such account')
    return { ...account }
  }
  const rowsOf = (account: string): KeyRow[] =>
    guarded(() => selectKeys.all(find(account).id)) as unknown as KeyRow[]
  const inForce = ({ not_after: end }: KeyRow): boolean => end === null || now() < end

  /** Ends are only ever brought forward: nothing brings a revoked key back. */
  function end(account: string, keyId: string, at: number): void {
    const row = rowsOf(account).find(({ id }) => id === keyId)
    if (row === undefined || !inForce(row))
      throw edgeError('ISSUER_ACCOUNT', 'the account has no such key in force')
    endKey.run(row.not_after === null ? at : Math.min(at, row.not_after), keyId, account)
  }
  function add(account: string, notAfter: number | null): ApiKey & { secret: string } {
    if (rowsOf(account).filter(inForce).length >= MAX_API_KEYS)
      throw edgeError('ISSUER_ACCOUNT', `an account has at most ${MAX_API_KEYS} keys in force`)
    const { id, digest, secret } = newApiKey()
    const created = now()
    insertKey.run(id, account, digest, created, notAfter)
    return { id, created, notAfter, secret }
  }
  /** Runs as one transaction and hands its result out. */
  function durable<T>(work: () => T): T {
    let result!: T
    transaction(() => (result = work()))
    return result
  }

  return {
    create(name) {
      const account = { id: `acct_${randomBytes(9).toString('hex')}`, name, created: now() }
      transaction(() => void insertAccount.run(account.id, account.name, account.created))
      return account
    },
    list: () => guarded(() => selectAccounts.all()).map((row) => ({ ...row }) as unknown as Account),
    find,
    addKey: (account, notAfter) => durable(() => add(account, notAfter)),
    rotateKey: (account, keyId, graceSeconds) =>
      durable(() => {
        end(account, keyId, now() + graceSeconds)
        return add(account, null)
      }),
    revokeKey: (account, keyId) => durable(() => end(account, keyId, now())),
    keys: (account) =>
      rowsOf(account)
        .filter(inForce)
        .map(({ id, created, not_after: notAfter }) => ({ id, created, notAfter })),
    setQuota(account, { class: name, tokens, period }) {
      find(account)
      transaction(() => void upsertQuota.run(account, name, tokens, period))
    },
    quotas: (account) =>
      guarded(() => selectQuotas.all(find(account).id)).map((row) => ({ ...row }) as unknown as Quota),
    authenticate(secret) {
      const { id, digest } = nameApiKey(secret)
      // Found by a part of its hash, which the sender cannot choose; the rest is compared in constant time.
      const row = guarded(() => selectKey.get(id)) as KeyRow | undefined
      if (row === undefined || !isSameDigest(row.digest, digest) || !inForce(row)) throw unauthorized()
      return row.account
    },
  }
}
