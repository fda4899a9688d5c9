import type { SottoStorage } from '../types.ts'
import type { TokenShelf } from './shelf.ts'

/** Whose access tokens to buy and spend. */
export interface TokenOptions {
  /** The issuer. It knows the account and never which request a token was spent on. */
  issuer: {
    /** https address (http only on this machine). It is called directly, never through relay or gateway. */
    url: string
    /** Ed25519 key its statements of keys are signed with, base64url. Pin it: it comes from somebody you trust. */
    key: string
  }
  /** API key of the account, `sk-sotto-…`. It goes to the issuer and nowhere else. */
  apiKey: string
  /** Class of tokens. @default 'standard' */
  class?: string
  /** Tokens kept ready, 1 to 256. @default 16 */
  poolSize?: number
  /**
   * Where unspent tokens wait between runs: whoever reads it can spend them, nobody can link them. Connections may share
   * it, see its `lock`. @default nowhere: tokens of a process that ends are lost
   */
  storage?: SottoStorage
  /**
   * Where unspent tokens wait instead: a shelf that other processes may use as well, on Node `fileTokenShelf`. Keep one
   * for each account, issuer and class.
   */
  shelf?: TokenShelf
  /**
   * Buy before the tokens run out, so that no request waits. Without, a purchase is made when there is none left: for
   * processes that end after few requests, and would end in the middle of a purchase. @default true
   */
  buysAhead?: boolean
  /** Reaches the issuer. @default the `fetch` of the connection */
  fetch?: typeof globalThis.fetch
}
