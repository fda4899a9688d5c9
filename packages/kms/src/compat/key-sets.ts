import { readBody } from '@sotto/serve/limits'
import { kmsError } from '../errors.ts'

/** Keys of token issuers, as their issuers publish them. Fetched over whatever network the host gives: not believed. */
export interface KeySets {
  /** The key set at `<issuer>/certs`. @throws `KMS_TOKEN_KEYS` */
  of(issuer: string): Promise<Uint8Array>
}

const MAX_BYTES = 262_144
const TIMEOUT_MS = 5_000
/** Issuers announce new keys long before they use them. */
const KEEP_MS = 3_600_000
/** After a failure nobody is asked for a while: strangers must not make us hammer an issuer. */
const RETRY_MS = 10_000
const MAX_ISSUERS = 64

/** Makes {@link KeySets}. Callers give issuers of their policy only, never one that just stands in a token. */
export function createKeySets(
  fetch: typeof globalThis.fetch = globalThis.fetch,
  monotonic: () => number = () => performance.now(),
): KeySets {
  const known = new Map<string, { answer: Promise<Uint8Array>; until: number }>()
  return {
    of(issuer) {
      const found = known.get(issuer)
      if (found !== undefined && monotonic() < found.until) return found.answer
      if (known.size >= MAX_ISSUERS) known.clear()
      const entry = { answer: load(`${issuer}/certs`), until: monotonic() + KEEP_MS }
      entry.answer.catch(() => (entry.until = monotonic() + RETRY_MS))
      known.set(issuer, entry)
      return entry.answer
    },
  }

  async function load(url: string): Promise<Uint8Array> {
    try {
      const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) })
      if (response.status !== 200) throw new Error(`status ${response.status}`)
      return await readBody(response, MAX_BYTES)
    } catch (cause) {
      throw kmsError('KMS_TOKEN_KEYS', 'the keys of the token issuer cannot be fetched', { cause })
    }
  }
}
