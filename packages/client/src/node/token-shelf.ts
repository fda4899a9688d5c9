import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { clientError } from '../errors.ts'
import type { BoughtToken } from '../tokens/issuer.ts'
import { decodeShelf, encodeShelf, inTurn, MAX_SHELF_BYTES, type TokenShelf } from '../tokens/shelf.ts'
import { writeWhole } from './write-whole.ts'

/** Options of {@link fileTokenShelf}. */
export interface FileTokenShelfOptions {
  /** Told where a damaged shelf was put: its tokens are lost, and nothing of them is used. */
  onDamaged?: (path: string) => void
  /** How long to wait while another process changes the shelf, milliseconds. @default 10000 */
  waitMs?: number
}

const WAIT_MS = 10_000
/** Pause before the lock is tried again: a change takes about as long. */
const RETRY_MS = 5
/** Primary result code of SQLite: somebody else has the lock (https://sqlite.org/rescode.html). */
const SQLITE_BUSY = 5

/**
 * A shelf of tokens that the processes of one user share: one file (mode 0600, its folder 0700), always whole, changed
 * by one process at a time. A process that is killed while it changes the shelf leaves it as it was or as it was to be.
 * Beside it lies a `.lock`, which holds nothing.
 */
export function fileTokenShelf(file: string, options: FileTokenShelfOptions = {}): TokenShelf {
  const { onDamaged, waitMs = WAIT_MS } = options

  async function read(): Promise<readonly BoughtToken[]> {
    let bytes: Buffer
    try {
      bytes = await readFile(file)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
    try {
      if (bytes.length > MAX_SHELF_BYTES) throw clientError('STORAGE_INVALID', 'the kept tokens are too many')
      return decodeShelf(bytes.toString('utf8'))
    } catch {
      // Some of them may be spent, or somebody else's: none is used. Whoever wants to know why has the file.
      const aside = `${file}.damaged`
      await rename(file, aside)
      onDamaged?.(aside)
      return []
    }
  }

  return inTurn((change) =>
    withLock(`${file}.lock`, waitMs, async () => {
      const before = await read()
      const after = change(before)
      if (after !== before) await writeWhole(file, encodeShelf(after))
    }),
  )
}

/**
 * Runs `work` while no other process holds the lock. SQLite locks a file by the system's own means, which end with the
 * process however it ends; a file that says "taken" would stay.
 */
async function withLock(path: string, waitMs: number, work: () => Promise<void>): Promise<void> {
  const { DatabaseSync } = await import('node:sqlite')
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await writeFile(path, '', { flag: 'wx', mode: 0o600 }).catch(ignoreExisting)
  const until = performance.now() + waitMs
  for (;;) {
    const database = new DatabaseSync(path, { timeout: 0 })
    try {
      if (locks(database)) return await work()
    } finally {
      database.close()
    }
    if (performance.now() >= until)
      throw clientError('STORAGE_INVALID', 'another process does not let go of the kept tokens', {
        found: path,
        hint: 'end it, or use another state folder',
      })
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS * (1 + Math.random())))
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

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}
