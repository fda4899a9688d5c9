import type { SottoStorage } from '../types.ts'

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
   * Where unspent tokens wait between runs: whoever reads it can spend them, nobody can link them.
   * @default nowhere: tokens of a process that ends are lost
   */
  storage?: SottoStorage
  /** Reaches the issuer. @default the `fetch` of the connection */
  fetch?: typeof globalThis.fetch
}
