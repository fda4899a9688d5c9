// Entry of every npm script. Runs on any Node >= 18: installs exactly what the lock file says, once,
// then hands over to the pinned Node 24. Two first runs at the same time are safe.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const HEARTBEAT_MS = 2_000
const STALE_LOCK_MS = 15_000

/** Installs if needed and returns the path of the pinned Node. */
export async function prepare() {
  if (Number(process.versions.node.split('.')[0]) < 18) {
    fail(
      `Node ${process.versions.node} is too old to install Sotto`,
      'use Node 18 or newer; Node 24 is then fetched by npm',
    )
  }
  if (process.platform !== 'linux') {
    fail(
      `Sotto runs on Linux; this is ${process.platform}`,
      'use a Linux machine, a virtual machine or WSL 2',
    )
  }
  const stampFile = join(root, 'node_modules', '.sotto-stamp')
  const stamp = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .update(process.arch)
    .digest('hex')
  const isInstalled = () => existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp
  if (!isInstalled())
    await withLock(join(root, '.cache', 'install.lock'), () =>
      isInstalled() ? undefined : install(stampFile, stamp),
    )
  return pinnedNode()
}

function pinnedNode() {
  const pinned = join(root, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node')
  if (existsSync(pinned)) return pinned
  if (Number(process.versions.node.split('.')[0]) === 24) return process.execPath
  return fail(
    `npm has no Node 24 for linux-${process.arch}`,
    'install Node 24 yourself and run the command again with it',
  )
}

async function install(stampFile, stamp) {
  process.stderr.write('sotto: first run, installing what the lock file names (about 800 MB, 15-60 s) ...\n')
  const started = Date.now()
  // The engine warnings speak of the old Node, which runs nothing but this installer.
  const code = await run('npm', ['ci', '--no-progress', '--loglevel=error'], { stdio: ['ignore', 2, 2] })
  if (code > 128) throw new Interrupted(code)
  if (code !== 0)
    fail('npm ci failed', 'check the network connection to the npm registry and run the command again')
  writeFileSync(stampFile, stamp)
  process.stderr.write(`sotto: installed in ${((Date.now() - started) / 1000).toFixed(0)} s\n`)
}

// mkdir is atomic; the holder touches the directory, so that a killed installer's lock goes stale.
async function withLock(lock, work) {
  mkdirSync(dirname(lock), { recursive: true })
  for (let waited = false; ;) {
    try {
      mkdirSync(lock)
      break
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    if (!waited) process.stderr.write('sotto: another process is installing, waiting for it ...\n')
    waited = true
    if (age(lock) > STALE_LOCK_MS) rmSync(lock, { recursive: true, force: true })
    else await new Promise((resolve) => setTimeout(resolve, 500))
  }
  const heartbeat = setInterval(() => {
    try {
      utimesSync(lock, new Date(), new Date())
    } catch {
      // Somebody judged the lock stale; `npm ci` itself still runs to its end.
    }
  }, HEARTBEAT_MS)
  try {
    await work()
  } finally {
    clearInterval(heartbeat)
    rmSync(lock, { recursive: true, force: true })
  }
}

function age(path) {
  try {
    return Date.now() - statSync(path).mtimeMs
  } catch {
    return 0
  }
}

/** Runs a child, passing signals on, and resolves with its exit code (128 + signal when killed). */
export function run(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, ...options })
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
    // A terminal's Ctrl-C reaches the child directly; `kill` on this process alone must reach it as well.
    const forward = (signal) => child.kill(signal)
    for (const signal of signals) process.on(signal, forward)
    const done = () => signals.forEach((signal) => process.off(signal, forward))
    child.once('error', (error) => (done(), reject(error)))
    child.once(
      'exit',
      (code, signal) => (done(), resolve(code ?? 128 + ({ SIGINT: 2, SIGTERM: 15, SIGHUP: 1 }[signal] ?? 9))),
    )
  })
}

/**
 * Standard streams, and the open files that the command line names by number: a shell's `<(...)` becomes
 * `/dev/fd/63`, and Node closes low numbers for its children unless they are listed.
 */
export function passedOn(args) {
  const stdio = ['inherit', 'inherit', 'inherit']
  for (const arg of args) {
    const [, text] = /(?:^|=)\/(?:dev|proc\/self)\/fd\/(\d{1,3})$/.exec(arg) ?? []
    const fd = Number(text)
    if (!(fd > 2) || !isForeign(fd)) continue
    while (stdio.length <= fd) stdio.push('ignore')
    stdio[fd] = fd
  }
  return stdio
}

/** Whether an open file is one that this process was started with, not a queue or clock of Node itself. */
function isForeign(fd) {
  try {
    return !readlinkSync(`/proc/self/fd/${fd}`).startsWith('anon_inode:')
  } catch {
    return false
  }
}

class SetupError extends Error {}

/** Somebody ended the installation; `code` is 128 + the signal. */
class Interrupted extends Error {
  constructor(code) {
    super('interrupted while installing')
    this.code = code
  }
}

function fail(message, hint) {
  throw new SetupError(`error: ${message}\nhint: ${hint}`)
}

/** Prepares, then runs a TypeScript or JavaScript file of this checkout under the pinned Node. */
export async function handOver(file, args, cwd = process.cwd()) {
  try {
    const node = await prepare()
    const env = {
      ...process.env,
      PATH: `${join(root, 'node_modules', '.bin')}:${dirname(node)}:${process.env.PATH ?? ''}`,
    }
    delete env.NODE_OPTIONS // measured roles refuse it, and the old Node's options are not the new one's
    // The command passes streams on: a small young generation holds little of what went by.
    process.exitCode = await run(node, ['--max-semi-space-size=1', join(root, file), ...args], {
      stdio: passedOn(args),
      cwd,
      env,
    })
  } catch (error) {
    process.stderr.write(
      error instanceof SetupError || error instanceof Interrupted
        ? `${error.message}\n`
        : `error: ${error?.stack ?? error}\n`,
    )
    process.exitCode = error instanceof Interrupted ? error.code : 1
  }
}

if (process.argv[1] && fileURLToPath(import.meta.url) === process.argv[1]) {
  await handOver('scripts/tasks.ts', process.argv.slice(2), root)
}
