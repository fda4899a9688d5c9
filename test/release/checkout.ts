import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')

/** A copy of this checkout that nobody edits meanwhile; installed packages as hard links where that works. */
export function copyCheckout(folder: string): void {
  mkdirSync(folder, { recursive: true })
  for (const name of ['packages', 'scripts', 'package.json', 'package-lock.json', 'tsconfig.json'])
    cpSync(join(root, name), join(folder, name), { recursive: true, verbatimSymlinks: true })
  const [from, to] = [join(root, 'node_modules'), join(folder, 'node_modules')]
  if (spawnSync('cp', ['-al', from, to]).status !== 0)
    cpSync(from, to, { recursive: true, verbatimSymlinks: true })
}

/** Runs `release:build` of a checkout. */
export function releaseBuild(
  checkout: string,
  ...args: string[]
): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [join(checkout, 'scripts/release/main.ts'), ...args], {
    encoding: 'utf8',
    cwd: checkout,
    maxBuffer: 1 << 24,
  })
}
