/** Which source an image is built from: the commit where git knows it, and always a digest of the files themselves. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compare } from './components.ts'

export interface Source {
  /** SHA-256 over `sha256  path` lines of every file a build reads, sorted by path. */
  digest: string
  /** 40 or 64 hexadecimal characters; absent outside git, or when a file differs from the commit. */
  commit?: string
  /** Time of the commit, Unix seconds. */
  commitTime?: number
  /** Files that differ from the commit, at most 20. */
  changed: readonly string[]
}

/** The bundler reads tsconfig.json too: how imports are kept decides the order of modules. */
const FILES = [
  'package.json',
  'package-lock.json',
  'parts/*/package-lock.json',
  'tsconfig.json',
  'packages/*/package.json',
  'packages/*/src/**/*.*',
  'packages/console/*.{html,svg}',
]
/** Also read by a build, and no part of what is measured. */
const SCRIPTS = [
  'scripts/build.ts',
  'scripts/build/*.ts',
  'scripts/console/*.ts',
  'scripts/notices/embedded.ts',
  'scripts/release/**/*.ts',
]

/** Reads it. `git` may be absent. */
export function readSource(root: string): Source {
  const hash = createHash('sha256')
  const paths = globSync([...FILES, ...SCRIPTS], { cwd: root }).sort(compare)
  for (const path of paths)
    hash.update(
      `${createHash('sha256')
        .update(readFileSync(join(root, path)))
        .digest('hex')}  ${path}\n`,
    )
  const digest = hash.digest('hex')
  const head = existsSync(join(root, '.git')) ? git(root, ['log', '-1', '--format=%H %ct']) : undefined
  const [, commit, time] = /^([0-9a-f]{40}|[0-9a-f]{64}) (\d{1,12})\n$/.exec(head ?? '') ?? []
  if (commit === undefined) return { digest, changed: [] }
  const tops = [...new Set(paths.map(topOf))]
  const status = git(root, ['status', '--porcelain', '--', ...tops]) ?? '?? unknown'
  const edited = status
    .split('\n')
    .filter(Boolean)
    .map((line) => line.slice(3))
  // A file that git ignores is in no commit, and is built all the same.
  const tracked = new Set((git(root, ['ls-files', '-z', '--', ...tops]) ?? '').split('\0'))
  const changed = [...new Set([...edited, ...paths.filter((path) => !tracked.has(path))])].slice(0, 20)
  return { digest, changed, commitTime: Number(time), ...(changed.length === 0 && { commit }) }
}

function topOf(path: string): string {
  return path.split('/')[0]!
}

/** Git may be asked by anybody, and must neither prompt nor run a hook, a pager or what a checkout's configuration names. */
function git(root: string, args: string[]): string | undefined {
  const { status, stdout } = spawnSync(
    'git',
    ['--no-optional-locks', '-c', 'core.fsmonitor=false', '-C', root, ...args],
    {
      encoding: 'utf8',
      maxBuffer: 1 << 22,
      env: { PATH: process.env['PATH'], LC_ALL: 'C', GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' },
    },
  )
  return status === 0 ? stdout : undefined
}
