import type { SottoStorage } from '@sotto/client'
import { open } from './database.ts'

const values = open<string>('values')

/** Where the client remembers the last checkpoint it saw: the log cannot show this browser another history later (T6). */
export const checkpointStorage: SottoStorage = {
  get: (key) => values.get(key),
  set: (key, value) => values.put(key, value),
}
