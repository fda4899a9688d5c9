/** Whether there is anything to build, and who builds. */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { walk } from './files.ts'
import { isPartInstalled, ROOMS_PART } from './parts.ts'

/** What a build reads besides the packages. The bundler reads tsconfig.json: how imports are kept decides the order of modules. */
const READ = [
  'package-lock.json',
  `${ROOMS_PART}/package-lock.json`,
  'tsconfig.json',
  'scripts/build.ts',
  'packages/console/index.html',
  'packages/console/icon.svg',
]
/** Folders of what builds. */
const BUILDERS = ['scripts/build', 'scripts/console']

/** Digest of everything that a build reads below `root`, on this processor: an optional part that was installed since, too. */
export function sourceStamp(root: string): string {
  const hash = createHash('sha256')
    .update(process.arch)
    .update(isPartInstalled(join(root, ROOMS_PART)) ? 'rooms' : '')
  const sources = [...walk(join(root, 'packages'))].filter((file) => /\/src\/|package\.json$/.test(file))
  const builders = BUILDERS.flatMap((folder) => [...walk(join(root, folder))])
  const files = [...sources, ...builders, ...READ.map((path) => join(root, path))]
  for (const file of files.sort()) hash.update(relative(root, file)).update('\0').update(readFileSync(file))
  return hash.digest('hex')
}

/** Runs `work` while nobody else holds this lock, which is a folder. */
export async function exclusively(lock: string, work: () => Promise<void>): Promise<void> {
  mkdirSync(dirname(lock), { recursive: true })
  for (;;) {
    try {
      mkdirSync(lock)
      break
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    // A build takes seconds: a lock older than a minute belongs to a killed one.
    const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
    if (age > 60_000) rmSync(lock, { recursive: true, force: true })
    else await new Promise((done) => setTimeout(done, 200))
  }
  try {
    await work()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}
