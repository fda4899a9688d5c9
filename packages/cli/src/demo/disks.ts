import { readdir, readFile, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { IMAGES_FOLDER } from '../stack/images.ts'
import { addFound, nothingFound, type Found, type Search } from './search.ts'

/**
 * Every file below a stack's folder, searched for the secrets: what the disks hold. Of the images only
 * what was written since `readyAt` (milliseconds since the Unix epoch, before anything was sent): the rest
 * is the build, which names every inner path.
 */
export async function whatDisksHold(
  folder: string,
  readyAt: number,
  search: Search,
): Promise<{ files: number; found: Found }> {
  const images = join(folder, IMAGES_FOLDER, sep)
  const files: string[] = []
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name)
    if (!entry.isFile()) continue
    if (!file.startsWith(images) || (await writtenAt(file)) >= readyAt) files.push(file)
  }
  const found = nothingFound()
  for (const file of files) {
    // A journal of a database may be gone by now; its content is in the database then.
    const content = await readFile(file).catch(() => Buffer.alloc(0))
    addFound(found, search(content))
  }
  return { files: files.length, found }
}

/** Of a file that is gone by now nobody can say that it is old. */
async function writtenAt(file: string): Promise<number> {
  return stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => Infinity,
  )
}
