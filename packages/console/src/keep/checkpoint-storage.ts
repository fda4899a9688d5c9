import type { SottoStorage } from '@sotto/client'
import { KeepError, open, openSoon } from './database.ts'

const values = open<string>('values')
/** What this page has seen, for where the browser does not keep it. */
const remembered = new Map<string, string>()
/** Newer here than what the browser keeps. */
const unkept = new Set<string>()

/**
 * Where the client remembers the last checkpoint it saw: the log cannot show this browser another history later (T6).
 * A full or absent storage is no reason to trust less: the page remembers by itself until it is closed, and says so.
 *
 * @param onForgetful called when the browser does not keep it
 */
export function checkpointStorage(onForgetful: () => void): SottoStorage {
  // A browser takes as long for it as for a request, and does both beside each other.
  openSoon()
  async function orForget<T>(work: Promise<T>, otherwise: T): Promise<T> {
    try {
      return await work
    } catch (error) {
      if (!(error instanceof KeepError)) throw error
      onForgetful()
      return otherwise
    }
  }
  return {
    async get(key) {
      // First what is kept: another tab may have seen more since.
      const kept = unkept.has(key) ? undefined : await orForget(values.get(key), undefined)
      return kept ?? remembered.get(key)
    },
    async set(key, value) {
      remembered.set(key, value)
      const isKept = await orForget(
        values.put(key, value).then(() => true),
        false,
      )
      if (isKept) unkept.delete(key)
      else unkept.add(key)
    },
  }
}
