import { spawn, type ChildProcess, execFileSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { builtEntry } from '../../../../scripts/build/entry.ts'

const mainOf = (role: string): Promise<string> => builtEntry(`packages/edge/src/${role}/main.ts`)
/** Node itself cannot lower its core limit, and roles refuse to run with one. */
const SHELL = ['-c', 'ulimit -c 0 && exec "$0" "$@"', process.execPath]

export interface RoleHandle {
  child: ChildProcess
  /** What it said when ready. */
  urls: Record<string, string>
  stderr: () => string
  kill(signal: NodeJS.Signals): Promise<number | null>
}

export function writeConfig(name: string, config: object): string {
  const file = join(mkdtempSync(join(tmpdir(), 'sotto-edge-')), `${name}.json`)
  writeFileSync(file, JSON.stringify(config))
  return file
}

export async function printKey(role: string, config: string): Promise<string> {
  return execFileSync('/bin/sh', [...SHELL, await mainOf(role), '--config', config, '--print-key'], {
    env: {},
    encoding: 'utf8',
  }).trim()
}

/** Starts a role as its own process. Rejects with its standard error when it ends before it is ready. */
export async function startRoleProcess(
  role: string,
  config: string,
  env: Record<string, string> = {},
): Promise<RoleHandle> {
  const child = spawn('/bin/sh', [...SHELL, await mainOf(role), '--config', config], {
    env,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let stderr = ''
  child.stderr!.on('data', (chunk: Buffer) => void (stderr += chunk.toString()))
  const exited = new Promise<number | null>((done) => child.once('exit', (code) => done(code)))
  const urls = await new Promise<Record<string, string>>((done, reject) => {
    child.once('message', (message) => done((message as { urls: Record<string, string> }).urls))
    void exited.then(() => reject(new Error(stderr)))
  })
  return {
    child,
    urls,
    stderr: () => stderr,
    kill(signal) {
      child.kill(signal)
      return exited
    },
  }
}
