import { chmod, mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { createTurns } from '@sotto/protocol/turns'
import { clientError } from '../errors.ts'
import { sleep } from '../sleep.ts'

const WAIT_MS = 10_000
/** Pause before the lock is tried again: a change takes about as long. */
const RETRY_MS = 5
/** Primary result code of SQLite: somebody else has the lock (https://sqlite.org/rescode.html). */
const SQLITE_BUSY = 5

/** Those of this process take turns, whichever instance they come from: nobody of them tries in vain. */
const inTurn = createTurns()

/**
 * Runs `work` while nobody else, of this process or another one, does so for `file`. Beside it lies a `.lock`, which
 * holds nothing. SQLite locks a file by the system's own means, which end with the process however it ends; a file that
 * says "taken" would stay.
 *
 * @param waitMs how long to wait for another process, milliseconds
 * @throws `STORAGE_INVALID` another process does not let go of it; errors of the file system
 */
export function withLock<T>(file: string, work: () => Promise<T>, waitMs: number = WAIT_MS): Promise<T> {
  const path = `${resolve(file)}.lock`
  return inTurn(path, () => whileLocked(path, work, waitMs))
}

async function whileLocked<T>(path: string, work: () => Promise<T>, waitMs: number): Promise<T> {
  const { DatabaseSync } = await import('node:sqlite')
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const until = performance.now() + waitMs
  for (;;) {
    const database = new DatabaseSync(path, { timeout: 0 })
    try {
      // Of SQLite's own making. A descriptor of ours would end, as it closes, every lock of this process on it (fcntl(2)).
      await chmod(path, 0o600)
      if (locks(database)) return await work()
    } finally {
      database.close()
    }
    if (performance.now() >= until)
      throw clientError('STORAGE_INVALID', 'another process does not let go of what is kept here', {
        found: path,
        hint: 'end it, or use another state folder',
      })
    await sleep(RETRY_MS * (1 + Math.random()))
  }
}

function locks(database: { exec(sql: string): void }): boolean {
  try {
    database.exec('BEGIN EXCLUSIVE')
    return true
  } catch (error) {
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return false
    throw error
  }
}
