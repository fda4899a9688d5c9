import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { verifyCheckpoint } from '@sotto/protocol/note'
import {
  encodeBatchRequest,
  encodeChallenge,
  type PendingToken,
  prepareToken,
  TOKEN_MEDIA_TYPE,
  type TokenKey,
  type TokenRequest,
} from '@sotto/protocol/tokens'
import type { LogClient } from '@sotto/serve/log-client'
import { createFakeLog, type FakeLog } from '@sotto/testkit'
import { requireAdminToken } from '../../src/issuer/api-keys.ts'
import { openIssuer, openIssuerDatabase, type RunningIssuer } from '../../src/issuer/index.ts'
import type { IssuerDatabase } from '../../src/issuer/database.ts'

export const ISSUER = 'issuer.example'
export const ADMIN_TOKEN = 'an-admin-token-of-at-least-thirty-two-characters'
export const CHALLENGE: Uint8Array = encodeChallenge({
  issuerName: ISSUER,
  redemptionContext: crypto.randomBytes(32),
  originInfo: 'inference.sotto',
})
const DAY = 86_400

export interface TestIssuer extends RunningIssuer {
  clock: { now: number }
  log: FakeLog
  /** Called before each append; may throw. */
  onAppend: { before: () => void; after: () => void }
  publicKey: Uint8Array
  errors: string[]
  file: string
  database: IssuerDatabase
  /** The process ends and another one starts on the same files. */
  restart(): TestIssuer
  /** A current key of a class. */
  keyOf(className?: string): TokenKey
}

export interface TestIssuerOptions {
  classes?: string[]
  maxPages?: number
  log?: FakeLog
  now?: number
}

/** What an appender answers, of a log in memory. */
export function appendTo(log: FakeLog, now: () => number): LogClient['append'] {
  return async (entry) => {
    const found = log.entries.findIndex((one) => Buffer.from(one).equals(entry))
    const index = found < 0 ? log.append(entry) : found
    const note = await log.checkpoint({ time: now() })
    const checkpoint = verifyCheckpoint(note, {
      origin: log.origin,
      logKey: log.key,
      witnessKeys: log.witnessKeys,
      quorum: 1,
    })
    const { proof } = await log.prove(entry)
    return { index, checkpoint: { ...checkpoint, note }, proof: proof.map(fromHex) }
  }
}

const folders: string[] = []
process.once('exit', () => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })))

/** An issuer on files of its own, with a log in memory. */
export async function openTestIssuer(options: TestIssuerOptions = {}): Promise<TestIssuer> {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-issuer-'))
  folders.push(folder)
  const clock = { now: options.now ?? 1_800_000_000 }
  const log = options.log ?? createFakeLog()
  const { seed: secretSeed, publicKey } = crypto.ed25519.generate()
  const file = join(folder, 'issuer.db')
  const onAppend = { before: (): void => undefined, after: (): void => undefined }

  function start(): TestIssuer {
    const database = openIssuerDatabase(file, options.maxPages)
    const errors: string[] = []
    const issuer = openIssuer({
      database,
      name: ISSUER,
      signer: { secretSeed, publicKey },
      plan: {
        classes: options.classes ?? ['standard', 'bulk'],
        lifetimeSeconds: 14 * DAY,
        overlapSeconds: 3 * DAY,
      },
      log: {
        async append(entry) {
          onAppend.before()
          const proven = await appendTo(log, () => clock.now)(entry)
          onAppend.after()
          return proven
        },
      },
      authorizeAdmin: requireAdminToken(ADMIN_TOKEN),
      now: () => clock.now,
      onError: (code) => errors.push(code),
    })
    return {
      ...issuer,
      clock,
      log,
      onAppend,
      publicKey,
      errors,
      file,
      database,
      restart() {
        database.close()
        return start()
      },
      keyOf: (className = 'standard') => {
        for (let id = 0; id < 256; id++) {
          try {
            const found = issuer.keys.find(id)
            if (found.className === className) return found.key
          } catch {
            continue
          }
        }
        throw new Error(`no key of ${className}`)
      },
    }
  }
  return start()
}

/** An account with one API key and a quota. */
export function openAccount(
  issuer: RunningIssuer,
  tokens = 1000,
  className = 'standard',
): { id: string; secret: string; keyId: string } {
  const { id } = issuer.accounts.create('a customer')
  issuer.accounts.setQuota(id, { class: className, tokens, period: 'day' })
  const { secret, id: keyId } = issuer.accounts.addKey(id, null)
  return { id, secret, keyId }
}

export interface Order {
  pending: PendingToken[]
  requests: TokenRequest[]
  body: Uint8Array
}

/** Blinded requests for tokens of a key. */
export function order(key: TokenKey, count: number, challenge: Uint8Array = CHALLENGE): Order {
  const pending = Array.from({ length: count }, () => prepareToken(key, challenge))
  const requests = pending.map(({ blindedMessage }) => ({ truncatedKeyId: key.id.at(-1)!, blindedMessage }))
  return { pending, requests, body: encodeBatchRequest(requests) }
}

export function post(
  secret: string,
  body: Uint8Array,
  type: string = TOKEN_MEDIA_TYPE.batchRequest,
): Request {
  return new Request('http://issuer/token-request', {
    method: 'POST',
    headers: { 'content-type': type, authorization: `Bearer ${secret}` },
    body: body as Uint8Array<ArrayBuffer>,
  })
}

/** Status and error code of an answer. */
export async function outcome(response: Response | Promise<Response>): Promise<[number, string | undefined]> {
  const found = await response
  if (found.status < 300) return [found.status, undefined]
  return [found.status, ((await found.json()) as { error: { code: string } }).error.code]
}
