import { fromBase64Url, toBase64Url } from '@sotto/protocol/bytes'
import { base64url, integer, list, object, parseStrictJson } from '@sotto/protocol/jcs'
import { encodeToken, parseToken, TOKEN_LENGTH } from '@sotto/protocol/tokens'
import { clientError } from '../errors.ts'
import type { SottoStorage } from '../types.ts'
import type { BoughtToken } from './issuer.ts'

/** Where unspent tokens wait between runs. */
export interface TokenShelf {
  /** @throws `STORAGE_INVALID` when what was kept is damaged */
  read(): Promise<BoughtToken[]>
  /** Durable when it resolves. Writes happen one after the other; the newest wins. */
  write(tokens: readonly BoughtToken[]): Promise<void>
}

/** As many as a pool holds, twice. */
const MAX_KEPT = 512

const decoder = list(object({ token: base64url(TOKEN_LENGTH), notAfter: integer(0) }), 0, MAX_KEPT)

/** A shelf in a storage, under a name that is of one issuer and class. */
export function openShelf(storage: SottoStorage, issuerKey: string, className: string): TokenShelf {
  const name = `tokens ${issuerKey} ${className}`
  let line: Promise<void> = Promise.resolve()
  return {
    async read() {
      const text = await storage.get(name)
      if (text === undefined) return []
      try {
        return decoder(parseStrictJson(text, { maxBytes: 2 ** 20 }), 'tokens').map(({ token, notAfter }) => ({
          token: parseToken(fromBase64Url(token)),
          notAfter,
        }))
      } catch (cause) {
        // Not the cause's words: they might quote a token.
        throw clientError('STORAGE_INVALID', 'the kept tokens are damaged; delete them to buy others', {
          found: cause instanceof Error && 'code' in cause ? String(cause.code) : 'no JSON',
        })
      }
    },
    write(tokens) {
      const text = JSON.stringify(
        tokens
          .slice(0, MAX_KEPT)
          .map(({ token, notAfter }) => ({ token: toBase64Url(encodeToken(token)), notAfter })),
      )
      const turn = line.then(() => storage.set(name, text))
      line = turn.catch(() => undefined)
      return turn
    },
  }
}
