/** Optional parts of the product: what only some use, each with a lock file of its own under `parts/`. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What clean rooms run queries with. */
export const ROOMS_PART = 'parts/rooms'

/** Whether the packages of a part are there, exactly as its lock file names them. @param folder of the part */
export function isPartInstalled(folder: string): boolean {
  const file = stampFile(folder)
  return existsSync(file) && readFileSync(file, 'utf8') === stampOf(folder)
}

/**
 * Installs what the lock file of a part names, once. Nothing of it runs meanwhile.
 * @throws Error when the registry cannot be reached or has something else
 */
export function installPart(folder: string): void {
  if (isPartInstalled(folder)) return
  process.stderr.write('sotto: installing what the lock file of this part names ...\n')
  // What npm says goes to stderr: standard output is the caller's.
  const { status } = spawnSync('npm', ['ci', '--no-progress', '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', 2, 2],
  })
  if (status !== 0) {
    rmSync(stampFile(folder), { force: true })
    throw new Error('npm ci failed: check the connection to the npm registry and run the command again')
  }
  writeFileSync(stampFile(folder), stampOf(folder))
}

function stampFile(folder: string): string {
  return join(folder, 'node_modules', '.sotto-stamp')
}

function stampOf(folder: string): string {
  return createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .update(process.arch)
    .digest('hex')
}
