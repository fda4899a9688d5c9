/**
 * Checks the pages of the console: the types of their components, that they build to the same bytes as the build in
 * `dist`, and that the first load stays small, whichever page is opened first. What a page loads on demand, and kinds of
 * evidence that no policy names, are not part of it.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { buildConsole, consoleManifest, firstLoadBytes, heaviestPage } from './build.ts'

const root = resolve(import.meta.dirname, '../..')
const MAX_FIRST_LOAD_BYTES = 200 * 1024

const types = spawnSync(
  join(root, 'node_modules/.bin/svelte-check'),
  ['--workspace', join(root, 'packages/console'), '--tsconfig', 'tsconfig.json', '--output', 'human'],
  { cwd: root, encoding: 'utf8' },
)
const areTyped = types.status === 0
if (!areTyped) process.stdout.write(`${types.stdout}${types.stderr}`)

const built = await buildConsole()
const isReproducible = consoleManifest(built) === readFileSync(join(root, 'dist/console/SHA256SUMS'), 'utf8')
const { page, bytes } = heaviestPage(built)
const isSmall = bytes <= MAX_FIRST_LOAD_BYTES
console.log(
  [
    `the pages of the console: components are typed: ${areTyped ? 'holds' : 'FAILS'}`,
    `two builds are the same bytes: ${isReproducible ? 'holds' : 'FAILS'}`,
    `scripts of the first load ${kilobytes(firstLoadBytes(built))} KB gzip, with the heaviest page (${page}) ${kilobytes(bytes)} KB (at most ${MAX_FIRST_LOAD_BYTES / 1024} KB): ${isSmall ? 'holds' : 'TOO LARGE'}`,
  ].join('; '),
)
process.exitCode = areTyped && isReproducible && isSmall ? 0 : 1

function kilobytes(count: number): string {
  return (count / 1024).toFixed(1)
}
