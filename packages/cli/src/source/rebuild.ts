import { spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fromUtf8 } from '@sotto/protocol/bytes'
import type { Role } from '@sotto/protocol/keyrelease'
import { encodeManifest } from '@sotto/protocol/measurement'
import { cliError } from '../errors.ts'
import type { CommandContext } from '../framework/index.ts'
import { measureImage } from '../software-tee/measure.ts'
import { printableLine } from '../terminal/index.ts'

/** What a checkout builds, measured here: the build's own account of it is not read. */
export interface Rebuilt {
  digest: string
  /** Text of the manifest. */
  manifest: string
}

/** A first installation included. */
const TIMEOUT_MS = 30 * 60_000
const GRACE_MS = 3_000
const LAST_LINES = 12

/** All of the environment that the build gets: where tools and caches are, and the way to the registry. */
const PASSED_ON = [
  'PATH',
  'HOME',
  'TMPDIR',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'NODE_EXTRA_CA_CERTS',
  'npm_config_registry',
  'npm_config_cache',
]

/**
 * Asks before code of a checkout is run. The checkout that this command itself comes from is running already.
 * @throws `CLI_FILE` when it is no checkout; `CLI_CANCELLED`; `CLI_USAGE` without a terminal and without `--yes`
 */
export async function requireTrust(context: CommandContext, folder: string): Promise<void> {
  if (!(await isCheckout(folder)))
    throw cliError('CLI_FILE', `${folder} is no checkout of Sotto that can be rebuilt`, {
      expected: 'scripts/release/main.ts, and sotto in package.json',
      hint: 'name the folder with package.json of a version that has npm run release:build',
    })
  const own = fileURLToPath(import.meta.url)
  if (own.startsWith(realpathSync(folder) + sep)) return
  context.warn(
    `warning: rebuilding runs the build of ${folder}, and npm’s, on this machine with your rights: ` +
      'look at that source first, or do this where nothing can be harmed',
  )
  if (!(await context.confirm('Run it?')))
    throw cliError('CLI_CANCELLED', 'nothing was built', { hint: 'pass --yes to skip the question' })
}

async function isCheckout(folder: string): Promise<boolean> {
  if (!existsSync(join(folder, 'scripts/release/main.ts'))) return false
  try {
    const { name } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { name?: unknown }
    return name === 'sotto'
  } catch {
    return false
  }
}

/**
 * Builds a checkout in a process of its own, with a nearly empty environment, and measures what came out. The
 * folder it builds into is removed however this ends; SIGINT ends the build with all that it started.
 * @throws `CLI_SOURCE` (fix-input) with the last lines of a build that fails
 */
export async function rebuild(
  context: CommandContext,
  folder: string,
  flavour: 'release' | 'software',
  roles: readonly Role[],
): Promise<Map<Role, Rebuilt>> {
  const out = await mkdtemp(join(tmpdir(), 'sotto-source-'))
  context.onExit(() => rm(out, { recursive: true, force: true }))
  try {
    const args = ['scripts/bootstrap.mjs', 'release:build', '--images-only', '--out', out]
    if (flavour === 'software') args.push('--software')
    for (const role of roles) args.push('--role', role)
    await runBuild(context, folder, args)
    const rebuilt = new Map<Role, Rebuilt>()
    for (const role of roles) {
      const { digest, entries } = await measureImage(join(out, role, 'image'))
      rebuilt.set(role, { digest, manifest: fromUtf8(encodeManifest(entries)) })
    }
    return rebuilt
  } finally {
    await rm(out, { recursive: true, force: true })
  }
}

async function runBuild(context: CommandContext, folder: string, args: string[]): Promise<void> {
  const env = PASSED_ON.flatMap((name) => {
    const value = context.io.env[name]
    return value === undefined ? [] : [[name, value]]
  })
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { ...Object.fromEntries(env), LC_ALL: 'C.UTF-8' },
    stdio: ['ignore', 'ignore', 'pipe'],
    // A group of its own: npm and the bundler start more processes, and all of them end together.
    detached: true,
  })
  const lines: string[] = []
  child.stderr.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString('utf8').split('\n').filter(Boolean)) {
      context.detail(printableLine(line))
      lines.push(line)
    }
    lines.splice(0, Math.max(0, lines.length - LAST_LINES))
  })
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(TIMEOUT_MS)])
  const kill = (name: NodeJS.Signals): void => {
    try {
      process.kill(-child.pid!, name)
    } catch {
      // It has ended meanwhile.
    }
  }
  let force: NodeJS.Timeout | undefined
  const stop = (): void => {
    kill('SIGTERM')
    force = setTimeout(() => kill('SIGKILL'), GRACE_MS)
  }
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  const how = await new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code, name) =>
      resolve(code === 0 ? undefined : name ? `ended by ${name}` : `exit code ${code}`),
    )
  })
  clearTimeout(force)
  signal.removeEventListener('abort', stop)
  context.signal.throwIfAborted()
  if (how === undefined) return
  throw cliError('CLI_SOURCE', `${folder} does not build: ${signal.aborted ? 'too slow' : how}`, {
    found: lines.join(' | ') || 'no output',
    hint: 'run npm run release:build there to see why',
  })
}
