import { randomUUID } from 'node:crypto'
import { link, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/**
 * Writes a file whole or not at all, durable once this returns: a reader meets the old file or the new one, and of two
 * writers the last one wins. What fails leaves nothing behind.
 *
 * @param mode permissions of the file, as of `open(2)`; default its owner's alone
 * @throws errors of the file system
 */
export async function writeWhole(file: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  await write(file, content, mode, rename)
}

/**
 * As {@link writeWhole}, for what must never be replaced: of two writers the first one wins.
 *
 * @throws errors of the file system, `EEXIST` where there is a file already
 */
export async function writeNew(file: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  await write(file, content, mode, async (temporary) => {
    // A rename would replace what came there meanwhile.
    await link(temporary, file)
    await rm(temporary)
  })
}

async function write(
  file: string,
  content: string | Uint8Array,
  mode: number,
  place: (temporary: string, file: string) => Promise<void>,
): Promise<void> {
  // Hidden: who lists the folder meanwhile is not to read half of it.
  const temporary = join(dirname(file), `.${basename(file)}.${randomUUID()}`)
  try {
    const handle = await open(temporary, 'wx', mode)
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await place(temporary, file)
    await syncFolder(dirname(file))
  } catch (error) {
    // On a full disk what was written of it would stay in the way.
    await rm(temporary, { force: true })
    throw error
  }
}

/** Makes names in a folder durable: they have to survive a loss of power, too. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows opens no folders, and keeps names by itself.
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
