/** One token that is being spent. */
export interface SpentEntry {
  /** 32 bytes the client chose; a token is known by key and nonce. */
  readonly nonce: Uint8Array
  /** 32 bytes: SHA-256 of the issuer's key. */
  readonly keyId: Uint8Array
  /** When the key ends, Unix seconds. The entry is remembered until then, and a token past it is refused. */
  readonly expiresAt: number
}

/**
 * The memory of spent tokens (T12).
 *
 * - Whose: attested memory, or a store anchored in what is attested. An operator who could turn it back could
 *   spend every token twice, so it is never a database of the operator's.
 * - Exact: of any number of calls and entries with the same key id and nonce, over all gateways that share a set
 *   and whatever is killed in between, at most one is answered true. A caller that got no answer must take the
 *   token for spent.
 * - Durable as its context: every set belongs to a *spend context* that tokens are bound to. A set that may have
 *   forgotten an entry must come with another context, so that no token of the old one is accepted any more.
 * - Concurrency: calls may run at the same time.
 */
export interface SpentSet {
  /**
   * Spends each entry; true where it was unspent until now. Entries of one call count one after the other.
   * @throws `GATEWAY_SPENT_UNAVAILABLE` rather than forget one: then nothing of the call was answered true
   */
  spend(entries: readonly SpentEntry[]): Promise<boolean[]>
}

/** A set and the context its entries belong to. */
export interface ContextualSpentSet {
  readonly set: SpentSet
  /**
   * 32 bytes that tokens are bound to; undefined while none is known, and nothing can be spent. What is spent counts
   * in the context of the moment `spend` is called: a token verified under it is spent without a pause in between.
   */
  context(): Uint8Array | undefined
}
