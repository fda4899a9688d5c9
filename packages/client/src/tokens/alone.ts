import { createTurns, type Turns } from '@sotto/protocol/turns'
import type { SottoStorage } from '../types.ts'

const turnsOf = new WeakMap<SottoStorage, Turns>()

/**
 * Runs `work` while nobody else who shares `storage` runs any under this name: by the storage's own `lock`, or one after
 * the other for each storage object and under a Web Lock where there are any, which all pages and workers of an origin,
 * and all threads of a Node process, wait for.
 */
export function alone<T>(storage: SottoStorage, name: string, work: () => Promise<T>): Promise<T> {
  if (storage.lock !== undefined) return storage.lock(name, work)
  const inTurn = turnsOf.get(storage) ?? createTurns()
  turnsOf.set(storage, inTurn)
  return inTurn(name, () => underWebLock(`sotto ${name}`, work))
}

/** What of `LockManager` is used (Web Locks API). */
interface WebLocks {
  request<T>(name: string, work: () => Promise<T>): Promise<T>
}

async function underWebLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  const { locks } = ((globalThis as { navigator?: unknown }).navigator ?? {}) as { locks?: WebLocks }
  if (locks === undefined) return work()
  let hasBegun = false
  try {
    return await locks.request(name, () => {
      hasBegun = true
      return work()
    })
  } catch (error) {
    // A sandboxed page has no origin and no locks, and shares no storage with anybody.
    if (hasBegun || (error as { name?: unknown }).name !== 'SecurityError') throw error
    return work()
  }
}
