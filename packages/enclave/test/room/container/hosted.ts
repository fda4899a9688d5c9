import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { imageWith, taskOf } from './real-image.ts'

/** A descriptor that whoever starts a host left open, far from those that Node looks after. */
const LEFT_OPEN = ['/usr/bin/perl', '-MPOSIX', '-e', 'POSIX::dup2(0, 99); exec @ARGV']
const ORDINARY_USER = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups']

/** Whether another user than root gets at what lies in a folder: nobody does below a folder of root's alone. */
export function isReadByOrdinaryUser(folder: string): boolean {
  return spawnSync(ORDINARY_USER[0]!, [...ORDINARY_USER.slice(1), 'ls', folder]).status === 0
}

/** A container that another process runs. */
export interface HostedRun {
  readonly process: ChildProcess
  /** What the process printed in all. @throws Error with what it said, where it failed */
  printed(): Promise<string>
}

/** Runs a command in the image of programs, in a process of its own, under another uid where that is wanted. */
export function hostRun(command: string[], as: 'same' | 'ordinary-user', seconds = 20): HostedRun {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-container-test-'))
  chmodSync(folder, 0o755)
  const image = imageWith()
  writeFileSync(join(folder, 'image.tar'), image.tar)
  const task = { ...taskOf(image.manifest, command), limits: { memoryBytes: 256 * 2 ** 20, seconds } }
  const words = [
    ...LEFT_OPEN,
    ...(as === 'same' ? [] : ORDINARY_USER),
    process.execPath,
    join(import.meta.dirname, 'fixtures/host.ts'),
    join(folder, 'image.tar'),
    JSON.stringify({ task }),
  ]
  const child = spawn(words[0]!, words.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let said = ''
  child.stdout.on('data', (piece: Buffer) => (output += piece.toString()))
  child.stderr.on('data', (piece: Buffer) => (said += piece.toString()))
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve))
  void closed.then(() => rmSync(folder, { recursive: true }))
  return {
    process: child,
    async printed() {
      if ((await closed) !== 0) throw new Error(said)
      return output
    },
  }
}

/** Processes of this machine that were called with a word. */
export function calledWith(word: string): string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(word)
    } catch {
      return false
    }
  })
}
