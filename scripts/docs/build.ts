/**
 * Builds the documentation into dist/docs: pages that need no server, no other origin and no script but their search.
 *
 *   node scripts/docs/build.ts [--out FOLDER]
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { siteSource } from './source.ts'
import { SiteProblems } from './read-site.ts'
import { buildSite } from './site.ts'

const root = resolve(import.meta.dirname, '../..')

/** Writes a site into a folder, which becomes exactly it. */
export function writeSite(folder: string, files: ReadonlyMap<string, Uint8Array>): void {
  rmSync(folder, { recursive: true, force: true })
  for (const [address, bytes] of files) {
    const file = join(folder, address)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, bytes)
  }
}

if (import.meta.main) {
  const at = process.argv.indexOf('--out')
  const out = at < 0 ? join(root, 'dist', 'docs') : resolve(process.argv[at + 1] ?? '')
  try {
    const files = buildSite(await siteSource(root, { reference: true }))
    writeSite(out, files)
    process.stdout.write(`${files.size} files in ${out}; begin with ${join(out, 'index.html')}\n`)
  } catch (error) {
    if (!(error instanceof SiteProblems)) throw error
    for (const problem of error.problems) process.stderr.write(`error: ${problem}\n`)
    process.exitCode = 1
  }
}
