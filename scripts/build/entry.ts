/** Programs for tests that start many processes: a bundle starts in an eighth of the time its sources take. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { bundle, NATIVE } from './bundle.ts'
import { exclusively, sourceStamp } from './freshness.ts'
import { root } from './options.ts'

/** Builds of older sources are kept this long: a test may still be starting them. */
const KEPT_MS = 3_600_000

/** Reads every source, so once: a test file is about the sources it began with. */
let stamp: string | undefined

/**
 * Path of the bundle of an entry point of the packages, for example `packages/kms/src/main.ts`, of the sources as
 * they were at the first call. It lies in the checkout, where packages outside the bundle are found; processes share it.
 */
export async function builtEntry(source: string): Promise<string> {
  stamp ??= sourceStamp(root).slice(0, 16)
  const all = join(root, '.cache/entries')
  const folder = join(all, stamp, source.replaceAll('/', '-').replace(/\.ts$/, ''))
  const file = join(folder, basename(source).replace(/ts$/, 'js'))
  if (existsSync(file)) return file
  await exclusively(join(root, '.cache/entries.lock'), async () => {
    if (existsSync(file)) return
    const staging = join(root, `.cache/entry-${process.pid}`)
    try {
      await bundle({ [basename(source, '.ts')]: source }, staging, NATIVE)
      mkdirSync(dirname(folder), { recursive: true })
      rmSync(folder, { recursive: true, force: true })
      renameSync(staging, folder)
    } finally {
      rmSync(staging, { recursive: true, force: true })
    }
    forgetOld(all)
  })
  return file
}

function forgetOld(all: string): void {
  for (const name of readdirSync(all)) {
    const path = join(all, name)
    if (Date.now() - statSync(path).mtimeMs > KEPT_MS) rmSync(path, { recursive: true, force: true })
  }
}
