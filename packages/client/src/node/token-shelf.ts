import { readFile, rename } from 'node:fs/promises'
import { clientError } from '../errors.ts'
import type { BoughtToken } from '../tokens/issuer.ts'
import { decodeShelf, encodeShelf, MAX_SHELF_BYTES, type TokenShelf } from '../tokens/shelf.ts'
import { withLock } from './with-lock.ts'
import { writeWhole } from './write-whole.ts'

/** Options of {@link fileTokenShelf}. */
export interface FileTokenShelfOptions {
  /** Told where a damaged shelf was put: its tokens are lost, and nothing of them is used. */
  onDamaged?: (path: string) => void
  /** How long to wait while another process changes the shelf, milliseconds. @default 10000 */
  waitMs?: number
}

/**
 * A shelf of tokens that the processes of one user share: one file (mode 0600, its folder 0700), always whole, changed
 * by one process at a time. A process that is killed while it changes the shelf leaves it as it was or as it was to be.
 * Beside it lies a `.lock`, which holds nothing.
 */
export function fileTokenShelf(file: string, options: FileTokenShelfOptions = {}): TokenShelf {
  const { onDamaged, waitMs } = options

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

  return {
    update: (change) =>
      withLock(
        file,
        async () => {
          const before = await read()
          const after = change(before)
          if (after !== before) await writeWhole(file, encodeShelf(after))
        },
        waitMs,
      ),
  }
}
