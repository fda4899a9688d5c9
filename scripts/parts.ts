/**
 * Installs an optional part of the product: what only some use, with a lock file of its own under `parts/`.
 * `node scripts/parts.ts rooms` prints the folder that has it. Nothing of it runs while it is installed, and a part that is
 * installed as its lock file says is left alone.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const PARTS = resolve(import.meta.dirname, '../parts')

/** Installs what the lock file of a part names, once. @returns its folder */
function install(folder: string): string {
  const stampFile = join(folder, 'node_modules', '.sotto-stamp')
  const stamp = createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .update(process.arch)
    .digest('hex')
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return folder
  process.stderr.write('sotto: installing what the lock file of this part names ...\n')
  // What npm says goes to stderr: standard output is the folder alone.
  const { status } = spawnSync('npm', ['ci', '--no-progress', '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', 2, 2],
  })
  if (status !== 0) {
    rmSync(stampFile, { force: true })
    throw new Error('npm ci failed: check the connection to the npm registry and run the command again')
  }
  writeFileSync(stampFile, stamp)
  return folder
}

const known = readdirSync(PARTS, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
const [name] = process.argv.slice(2)
if (name === undefined || !known.includes(name)) {
  process.stderr.write(
    `error: name a part\nhint: ${known.map((one) => `node scripts/parts.ts ${one}`).join(', ')}\n`,
  )
  process.exit(1)
}
process.stdout.write(`${install(join(PARTS, name))}\n`)
