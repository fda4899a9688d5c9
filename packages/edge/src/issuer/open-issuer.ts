import type { DsseSigner } from '@sotto/protocol/dsse'
import type { App } from '@sotto/serve/errors'
import type { LogClient } from '@sotto/serve/log-client'
import { type Accounts, openAccounts } from './accounts.ts'
import { createAdminApp } from './admin-app.ts'
import { createIssuerApp } from './app.ts'
import { type Charges, openCharges } from './charges.ts'
import type { IssuerDatabase } from './database.ts'
import { type KeyBook, openKeyBook } from './key-book.ts'
import { openKeyStore } from './key-store.ts'
import type { RotationPlan } from './rotation.ts'

/** Everything an issuer needs from outside. */
export interface OpenIssuerOptions {
  database: IssuerDatabase
  /** `issuer_name` of challenges. */
  name: string
  signer: DsseSigner
  plan: RotationPlan
  log: Pick<LogClient, 'append'>
  authorizeAdmin: (request: Request) => void
  /** Seconds since the Unix epoch. */
  now: () => number
  onError?: (code: string) => void
}

/** An issuer without its listeners. */
export interface RunningIssuer {
  /** For everybody with an API key. */
  app: App
  /** For the operator, on another listener. */
  admin: App
  keys: KeyBook
  accounts: Accounts
  charges: Charges
}

/** Puts an issuer together. Nothing is issued until {@link KeyBook.tick} has run. */
export function openIssuer(options: OpenIssuerOptions): RunningIssuer {
  const { database, now, plan } = options
  const accounts = openAccounts(database, now)
  const charges = openCharges(database, now)
  const keys = openKeyBook({
    store: openKeyStore(database),
    signer: options.signer,
    issuer: options.name,
    plan,
    log: options.log,
    now,
    onExpired: (id) => charges.forget(id),
  })
  const onError = options.onError ?? (() => undefined)
  return {
    app: createIssuerApp({ keys, accounts, charges, onError }),
    admin: createAdminApp({
      accounts,
      charges,
      classes: plan.classes,
      authorize: options.authorizeAdmin,
      onError,
    }),
    keys,
    accounts,
    charges,
  }
}
