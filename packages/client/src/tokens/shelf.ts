import { fromBase64Url, toBase64Url } from '@sotto/protocol/bytes'
import { base64url, integer, list, object, parseStrictJson } from '@sotto/protocol/jcs'
import { encodeToken, parseToken, TOKEN_LENGTH } from '@sotto/protocol/tokens'
import { clientError } from '../errors.ts'
import type { SottoStorage } from '../types.ts'
import { alone } from './alone.ts'
import type { BoughtToken } from './issuer.ts'

/**
 * Unspent tokens of one account, issuer and class, each ready to be used once. Who reads it can spend them; nobody can
 * link them. It may be shared: by connections, or by processes where it says so.
 */
export interface TokenShelf {
  /**
   * Replaces what lies there by what `change` makes of it, without anybody in between; the same array back changes
   * nothing. What `change` left out is off the shelf durably once this resolves, and only then may it be used. When
   * this rejects, either may lie there: what was left out must not be used.
   * @throws `STORAGE_INVALID` when what lay there is damaged; errors of the medium
   */
  update(change: (tokens: readonly BoughtToken[]) => readonly BoughtToken[]): Promise<void>
}

/** As many as a pool holds, twice. */
const MAX_KEPT = 512
/** Longest kept text. */
export const MAX_SHELF_BYTES: number = 2 ** 20

const decoder = list(object({ token: base64url(TOKEN_LENGTH), notAfter: integer(0) }), 0, MAX_KEPT)

/** What lies on a shelf as text; of too many the newest. */
export function encodeShelf(tokens: readonly BoughtToken[]): string {
  return JSON.stringify(
    tokens
      .slice(-MAX_KEPT)
      .map(({ token, notAfter }) => ({ token: toBase64Url(encodeToken(token)), notAfter })),
  )
}

/** Tokens of a kept text. @throws `STORAGE_INVALID`, without a word of the text */
export function decodeShelf(text: string): BoughtToken[] {
  try {
    return decoder(parseStrictJson(text, { maxBytes: MAX_SHELF_BYTES }), 'tokens').map(
      ({ token, notAfter }) => ({ token: parseToken(fromBase64Url(token)), notAfter }),
    )
  } catch (cause) {
    // Not the cause's words: they might quote a token.
    throw clientError('STORAGE_INVALID', 'the kept tokens are damaged; delete them to buy others', {
      found: cause instanceof Error && 'code' in cause ? String(cause.code) : 'no JSON',
    })
  }
}

/** A shelf that ends with its process. */
export function memoryShelf(): TokenShelf {
  let tokens: readonly BoughtToken[] = []
  return {
    // Without a pause in it: no other call comes in between.
    async update(change) {
      tokens = change(tokens)
    },
  }
}

/**
 * A shelf in a storage, under a name that is of one issuer and class. Any number of connections may open it: see
 * {@link alone} for who waits for whom.
 */
export function openShelf(storage: SottoStorage, issuerKey: string, className: string): TokenShelf {
  const name = `tokens ${issuerKey} ${className}`
  return {
    update: (change) =>
      alone(storage, name, async () => {
        const text = await storage.get(name)
        const before = text === undefined ? [] : decodeShelf(text)
        const after = change(before)
        if (after !== before) await storage.set(name, encodeShelf(after))
      }),
  }
}
