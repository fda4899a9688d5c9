import { readdir, readFile } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { IMAGES_FOLDER } from '../stack/images.ts'
import { addFound, nothingFound, type Found, type Search } from './search.ts'

/**
 * Every file below a stack's folder, searched for the secrets: what the disks hold. The images are
 * left out: they are the build, were there before anything was sent, and name every inner path.
 */
export async function whatDisksHold(
  folder: string,
  search: Search,
): Promise<{ files: number; found: Found }> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((file) => !file.startsWith(join(folder, IMAGES_FOLDER, sep)))
  const found = nothingFound()
  for (const file of files) {
    // A journal of a database may be gone by now; its content is in the database then.
    const content = await readFile(file).catch(() => Buffer.alloc(0))
    addFound(found, search(content))
  }
  return { files: files.length, found }
}
