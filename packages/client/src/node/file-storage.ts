import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SottoStorage } from '../types.ts'
import { withLock } from './with-lock.ts'
import { writeWhole } from './write-whole.ts'

/**
 * Keeps one small file for each key in `directory` (created with mode 0700), written atomically.
 * Other processes may use the same directory: the last writer wins, readers see whole values, and what has to be read
 * and written in one is done by one of them at a time.
 */
export function fileStorage(directory: string): SottoStorage {
  const pathOf = (key: string): string =>
    join(directory, `${createHash('sha256').update(key).digest('hex')}.json`)
  return {
    async get(key) {
      try {
        return await readFile(pathOf(key), 'utf8')
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw error
      }
    },
    async set(key, value) {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      await writeWhole(pathOf(key), value)
    },
    lock: (key, work) => withLock(pathOf(key), work),
  }
}
