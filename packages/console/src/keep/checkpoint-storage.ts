import type { SottoStorage } from '@sotto/client'
import { KeepError, open } from './database.ts'

const values = open<string>('values')
/** Of this page alone, where the browser keeps nothing. */
const remembered = new Map<string, string>()

/**
 * Where the client remembers the last checkpoint it saw: the log cannot show this browser another history later (T6).
 * A full or absent storage is no reason to trust less: the page remembers by itself until it is closed, and says so.
 *
 * @param onForgetful called when the browser does not keep it
 */
export function checkpointStorage(onForgetful: () => void): SottoStorage {
  async function orForget<T>(work: Promise<T>): Promise<T | undefined> {
    try {
      return await work
    } catch (error) {
      if (!(error instanceof KeepError)) throw error
      onForgetful()
      return undefined
    }
  }
  return {
    get: async (key) => remembered.get(key) ?? (await orForget(values.get(key))),
    async set(key, value) {
      remembered.set(key, value)
      await orForget(values.put(key, value))
    },
  }
}
