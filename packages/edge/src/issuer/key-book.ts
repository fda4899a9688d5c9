import { toBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import type { DsseSigner } from '@sotto/protocol/dsse'
import { crypto } from '@sotto/protocol/crypto-backend'
import {
  encodeDirectory,
  type IssuerKeys,
  NO_PREVIOUS_ISSUER_KEYS,
  signIssuerKeys,
  verifyIssuerKeys,
} from '@sotto/protocol/tokens'
import type { LogClient } from '@sotto/serve/log-client'
import { edgeError } from '../errors.ts'
import { generateTokenKey } from './blind-sign.ts'
import type { KeyStore, NewKey, StoredKey } from './key-store.ts'
import { dueKeys, isTellable, type KeyLife, type RotationPlan } from './rotation.ts'

/** What a key book is made of. */
export interface KeyBookOptions {
  store: KeyStore
  /** Signs statements of keys; clients and gateways pin its public half. */
  signer: DsseSigner
  /** `issuer_name` of challenges. */
  issuer: string
  plan: RotationPlan
  log: Pick<LogClient, 'append'>
  /** Seconds since the Unix epoch. */
  now: () => number
  /** Told of each key that has expired, before its private half is destroyed. */
  onExpired?: (id: Uint8Array) => void
}

/** The issuer's token keys: made in time, logged before they are used, destroyed when they end. */
export interface KeyBook {
  /**
   * Makes the keys that are due and sees to it that the newest statement is in the log. Called on a timer; one at a
   * time. @throws what the log client throws; the keys known so far go on
   */
  tick(): Promise<void>
  /** The directory, the same bytes for everybody; undefined until a statement is logged. */
  readonly directory: Uint8Array | undefined
  /**
   * The key a request names, if it may sign now: announced by a logged statement, begun, not ended.
   * @throws `ISSUER_KEY_UNKNOWN`, `ISSUER_NOT_READY`
   */
  find(truncatedId: number): StoredKey
}

/** Opens it with what is stored; nothing is published until {@link KeyBook.tick} found it in the log, now or earlier. */
export function openKeyBook(options: KeyBookOptions): KeyBook {
  const { store, signer, issuer, plan, log, now } = options
  let keys = store.keys()
  let published: { directory: Uint8Array; ids: ReadonlySet<string> } | undefined
  let running: Promise<void> | undefined
  refreshPublished()

  function refreshPublished(): void {
    const statement = store.latestLogged()
    if (statement?.place === undefined) return
    const verified = verifyIssuerKeys(statement.envelope, signer.publicKey)
    published = {
      directory: encodeDirectory(verified.keys, { envelope: statement.envelope, ...statement.place }),
      ids: new Set(verified.keys.map(({ key }) => toHex(key.id))),
    }
  }

  async function makeDueKeys(): Promise<void> {
    const due = dueKeys(keys, plan, now())
    if (due.length === 0) return
    const made: (NewKey & KeyLife & { spki: Uint8Array })[] = []
    for (const life of due) {
      for (;;) {
        const { key, pkcs8 } = await generateTokenKey()
        const truncatedId = key.id.at(-1)!
        if (!isTellable(truncatedId, [...keys, ...made], now())) continue
        made.push({ ...life, id: key.id, truncatedId, pkcs8, spki: key.spki })
        break
      }
    }
    const before = store.latest()
    const statement = {
      version: 1 as const,
      issuer,
      sequence: (before?.sequence ?? 0) + 1,
      previous: before === undefined ? NO_PREVIOUS_ISSUER_KEYS : toHex(crypto.sha256(utf8(before.envelope))),
      issuedAt: now(),
      classes: classesOf([
        ...keys.filter(({ notAfter }) => now() < notAfter).map((key) => ({ ...key, spki: key.key.spki })),
        ...made,
      ]),
    }
    store.add(made, { sequence: statement.sequence, envelope: signIssuerKeys(statement, signer) })
    keys = store.keys()
  }

  async function logLatest(): Promise<void> {
    const statement = store.latest()
    if (statement === undefined || statement.place !== undefined) return
    // The log takes the same bytes once: an append whose answer was lost is found again.
    const { index, checkpoint, proof } = await log.append(utf8(statement.envelope))
    store.setPlace(statement.sequence, { index, checkpoint: checkpoint.note, proof: proof.map(toHex) })
    refreshPublished()
  }

  function dropExpired(): void {
    for (const { key, notAfter } of keys) {
      if (now() < notAfter) continue
      options.onExpired?.(key.id)
      store.drop(key.id)
    }
    keys = keys.filter(({ notAfter }) => now() < notAfter)
  }

  async function work(): Promise<void> {
    // What was announced must be logged before anything that follows it.
    await logLatest()
    dropExpired()
    await makeDueKeys()
    await logLatest()
  }

  return {
    tick: () => (running ??= work().finally(() => (running = undefined))),
    get directory() {
      return published?.directory
    },
    find(truncatedId) {
      if (published === undefined)
        throw edgeError('ISSUER_NOT_READY', 'the token keys are not in the log yet')
      const { ids } = published
      const found = keys.find(
        (key) =>
          key.truncatedId === truncatedId &&
          ids.has(toHex(key.key.id)) &&
          plan.classes.includes(key.className) &&
          key.notBefore <= now() &&
          now() < key.notAfter,
      )
      if (found === undefined) throw edgeError('ISSUER_KEY_UNKNOWN', 'no live token key has this id')
      return found
    },
  }
}

function classesOf(keys: readonly (KeyLife & { spki: Uint8Array })[]): IssuerKeys['classes'] {
  const names = [...new Set(keys.map(({ className }) => className))].sort()
  return names.map((name) => ({
    name,
    keys: keys
      .filter(({ className }) => className === name)
      .map(({ spki, notBefore, notAfter }) => ({ key: toBase64Url(spki), notBefore, notAfter })),
  }))
}
