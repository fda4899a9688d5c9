import { fromHex, toHex, utf8 } from '@sotto/protocol/bytes'
import type { VerifyingKey } from '@sotto/protocol/crypto-backend'
import { leafHash, verifyInclusion } from '@sotto/protocol/merkle'
import {
  type ClassKey,
  DIRECTORY_PATH,
  importTokenKey,
  MAX_DIRECTORY_BYTES,
  parseDirectory,
  requireSuccessor,
  tokenError,
  verifyIssuerKeys,
} from '@sotto/protocol/tokens'
import { readBody } from '@sotto/serve/limits'
import { serveError } from '@sotto/serve/errors'
import type { LogClient } from '@sotto/serve/log-client'

/** A key of the issuer's, ready to verify. */
export interface LiveKey extends ClassKey {
  readonly verifying: VerifyingKey
}

/** Which issuer, and how it is reached. Everything but the answers of `url` comes from the measured configuration. */
export interface IssuerKeySourceOptions {
  url: string
  /** `issuer_name` its statements have. */
  name: string
  /** Ed25519 key its statements are signed with. */
  issuerKey: Uint8Array
  log: Pick<LogClient, 'latest' | 'verifyNote' | 'proveConsistency'>
  /** Unix seconds on a clock that never goes back. */
  now: () => number
  fetch?: typeof fetch
  /** Bound of one request, default 10000. */
  timeoutMs?: number
}

/** The keys tokens may be signed with. What was learned stays; keys end by themselves. */
export interface IssuerKeySource {
  /**
   * Asks the issuer for its keys and takes them when they are signed by the pinned key, in the log, and follow what
   * was seen before. It says nothing about any client: it is sent on a timer, every half a minute.
   * @throws `LOG_UNREACHABLE` and whatever a check says; then nothing changed
   */
  refresh(): Promise<void>
  /** The key of this id, whether or not it has begun or ended. */
  find(keyId: Uint8Array): LiveKey | undefined
  /** Whether every key in use is known: the issuer was heard lately, and its word was taken. */
  isCurrent(): boolean
}

/** Three turns of the timer: less than the five minutes at least that a successor is announced before it is used. */
const MAX_SILENT_SECONDS = 90
/** Keys that are remembered until the process ends: with a new one of each of 16 classes every day, for 44 years. */
const MAX_KNOWN_KEYS = 2 ** 18

/** Makes one that knows no key yet. */
export function createIssuerKeySource(options: IssuerKeySourceOptions): IssuerKeySource {
  const { log } = options
  let seen: { sequence: number; digest: string } | undefined
  let keys = new Map<string, LiveKey>()
  let heardAt = Number.NEGATIVE_INFINITY
  /** End of every key that was ever taken, also of those that no statement names any more. */
  const ends = new Map<string, number>()

  /** A spent token is forgotten when its key ends: with a later end it could be spent again (T12). */
  function requireSameEnds(published: readonly ClassKey[]): void {
    let unknown = 0
    for (const { key, notAfter } of published) {
      const end = ends.get(toHex(key.id))
      if (end === undefined) unknown++
      else if (end !== notAfter)
        throw tokenError('TOKEN_MALFORMED', 'the issuer changed the end of a key', {
          expected: String(end),
          found: String(notAfter),
        })
    }
    if (ends.size + unknown > MAX_KNOWN_KEYS)
      throw tokenError('TOKEN_MALFORMED', 'the issuer has published more keys than can be remembered', {
        expected: `at most ${MAX_KNOWN_KEYS}`,
      })
  }

  async function fetchDirectory(): Promise<Uint8Array> {
    try {
      const response = await (options.fetch ?? fetch)(options.url + DIRECTORY_PATH, {
        redirect: 'error',
        signal: AbortSignal.timeout(options.timeoutMs ?? 10_000),
      })
      if (response.status !== 200) throw new Error(`status ${response.status}`)
      return await readBody(response, MAX_DIRECTORY_BYTES)
    } catch (cause) {
      throw serveError('LOG_UNREACHABLE', 'the token issuer does not answer with its directory', { cause })
    }
  }
  return {
    async refresh() {
      const askedAt = options.now()
      const { envelope, index, proof, checkpoint } = parseDirectory(await fetchDirectory())
      const verified = verifyIssuerKeys(envelope, options.issuerKey)
      if (verified.statement.issuer !== options.name)
        throw tokenError('TOKEN_MALFORMED', 'the statement is of another issuer')
      requireSuccessor(verified, seen)
      if (seen?.digest === verified.digest) {
        heardAt = askedAt
        return
      }
      const tree = log.verifyNote(checkpoint)
      verifyInclusion(leafHash(utf8(envelope)), index, tree.size, proof.map(fromHex), tree.root)
      // A checkpoint of a fork would carry all signatures too; in the tree everybody else sees it has to be the past.
      await log.proveConsistency(tree, await log.latest())
      // Two refreshes at once: the later statement wins.
      requireSuccessor(verified, seen)
      requireSameEnds(verified.keys)
      for (const { key, notAfter } of verified.keys) ends.set(toHex(key.id), notAfter)
      heardAt = askedAt
      seen = { sequence: verified.statement.sequence, digest: verified.digest }
      keys = new Map(
        verified.keys.map((key) => [toHex(key.key.id), { ...key, verifying: importTokenKey(key.key) }]),
      )
    },
    find: (keyId) => keys.get(toHex(keyId)),
    isCurrent: () => options.now() - heardAt <= MAX_SILENT_SECONDS,
  }
}
