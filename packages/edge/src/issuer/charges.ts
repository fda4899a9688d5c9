import { toHex } from '@sotto/protocol/bytes'
import { edgeError } from '../errors.ts'
import type { IssuerDatabase } from './database.ts'
import { dayOf, firstDayOf, type Period } from './periods.ts'

/** What is charged at once. */
export interface Charge {
  account: string
  className: string
  /** Key the requests are for: when it has expired, nobody can ask again, and they are forgotten. */
  keyId: Uint8Array
  /** SHA-256 of each request. */
  requests: readonly Uint8Array[]
}

/** Tokens of one class charged to an account on one day. */
export interface Usage {
  account: string
  class: string
  /** Days since the Unix epoch, UTC. */
  day: number
  tokens: number
}

/**
 * Charges tokens to accounts, exactly. A request is charged once for each account and key, however often it is
 * sent: blind signing gives the same answer again, so whoever did not hear it asks again and pays nothing.
 * The digest of a request says as little as the request: it was blinded.
 */
export interface Charges {
  /**
   * Charges what was not charged before; durable when this returns, so nothing is signed on credit.
   * @returns how many were charged now
   * @throws `ISSUER_CLASS`; `ISSUER_QUOTA`: then nothing was; `ISSUER_STORE_FULL`, `ISSUER_STORE_FAILED`
   */
  charge(charge: Charge): number
  /** Charges by day, newest first, at most 1000. */
  usage(account?: string): Usage[]
  /** Forgets the requests of keys that have expired. */
  forget(keyId: Uint8Array): void
}

/** Charges in the issuer's database. `now`: seconds since the Unix epoch. */
export function openCharges(database: IssuerDatabase, now: () => number): Charges {
  const { db, guarded, transaction } = database
  const selectQuota = db.prepare('SELECT tokens, period FROM quotas WHERE account = ? AND class = ?')
  const selectUsed = db.prepare(
    'SELECT COALESCE(SUM(tokens), 0) AS used FROM usage WHERE account = ? AND class = ? AND day >= ?',
  )
  const selectCharged = db.prepare('SELECT 1 FROM charged WHERE account = ? AND request = ?')
  const insertCharged = db.prepare('INSERT INTO charged (account, request, key_id) VALUES (?, ?, ?)')
  const addUsage = db.prepare(
    'INSERT INTO usage (account, class, day, tokens) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET tokens = tokens + excluded.tokens',
  )
  const selectUsage = db.prepare(
    'SELECT account, class, day, tokens FROM usage WHERE ?1 IS NULL OR account = ?1 ORDER BY day DESC, account, class LIMIT 1000',
  )
  const deleteCharged = db.prepare('DELETE FROM charged WHERE key_id = ?')

  return {
    charge({ account, className, keyId, requests }) {
      let charged = 0
      transaction(() => {
        const quota = selectQuota.get(account, className) as { tokens: number; period: Period } | undefined
        if (quota === undefined) throw edgeError('ISSUER_CLASS', 'the account has no tokens of this class')
        const distinct = new Map(requests.map((request) => [toHex(request), request]))
        const fresh = [...distinct.values()].filter((request) => !selectCharged.get(account, request))
        if (fresh.length === 0) return
        const { used } = selectUsed.get(account, className, firstDayOf(quota.period, now())) as {
          used: number
        }
        if (used + fresh.length > quota.tokens)
          throw edgeError('ISSUER_QUOTA', `the quota of this ${quota.period} does not cover the request`, {
            expected: `at most ${Math.max(0, quota.tokens - used)}`,
            found: `${fresh.length}`,
          })
        for (const request of fresh) insertCharged.run(account, request, keyId)
        addUsage.run(account, className, dayOf(now()), fresh.length)
        charged = fresh.length
      })
      return charged
    },
    usage: (account) =>
      guarded(() => selectUsage.all(account ?? null)).map((row) => ({ ...row }) as unknown as Usage),
    forget: (keyId) => transaction(() => void deleteCharged.run(keyId)),
  }
}
