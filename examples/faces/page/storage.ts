import type { SottoStorage } from '@sotto/client'

/**
 * Remembers the last checkpoint of the log that this browser saw, so that the log cannot show it another history at the
 * next visit. Nothing of frames or answers ever comes here.
 */
export const browserStorage: SottoStorage = {
  get: async (key) => localStorage.getItem(key) ?? undefined,
  set: async (key, value) => localStorage.setItem(key, value),
}
