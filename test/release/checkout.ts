import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'

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

/** How a build ended. */
export interface Build {
  status: number | null
  stdout: string
  stderr: string
}

/** Runs `release:build` of a checkout. */
export async function releaseBuild(checkout: string, ...args: string[]): Promise<Build> {
  const child = spawn(process.execPath, [join(checkout, 'scripts/release/main.ts'), ...args], {
    cwd: checkout,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'close') as Promise<[number | null]>
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { status: (await ended)[0], stdout, stderr }
}
