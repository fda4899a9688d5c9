import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readlinkSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { findLayout } from '../../packages/cli/src/stack/layout.ts'
import { childrenOf, isRunning } from './support.ts'

const SOTTO = join(findLayout(import.meta.url).dist, 'cli', 'sotto.js')
/** Time for one start of a stack, with much to spare. */
export const LONG = 60_000

/** A running `sotto` command, in a process group of its own as a shell would start it. */
export interface Command {
  child: ChildProcess
  pid: number
  output: { stdout: string; stderr: string }
  /** Exit code; null when a signal ended it. */
  ended: Promise<number | null>
  /** Resolves when the text has been printed on either stream. */
  printed(text: string | RegExp): Promise<void>
}

/** Commands that run below a folder of their own. */
export interface CommandDesk {
  folder: string
  /** Starts `sotto ...` in the folder, or in one below it. */
  sotto(args: string[], cwd?: string): Command
  /** Kills what still runs, stacks in the background too, and removes the folder. */
  close(): Promise<void>
}

/** Makes one. */
export async function openCommandDesk(): Promise<CommandDesk> {
  const folder = await mkdtemp(join(tmpdir(), 'sotto-test-'))
  const started: Command[] = []
  const places = new Set<string>()
  return {
    folder,
    sotto(args, cwd = folder) {
      const command = start(args, cwd)
      started.push(command)
      if (args[0] === 'up' || args[0] === 'deploy') places.add(cwd)
      return command
    },
    async close() {
      for (const cwd of places) await start(['down'], cwd).ended
      for (const { child, pid } of started) if (child.exitCode === null) killGroup(pid, 'SIGKILL')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function start(args: string[], cwd: string): Command {
  // Folders of its own under TMPDIR, so that what is left behind can be told from other runs.
  const env = { PATH: process.env['PATH'], HOME: cwd, TMPDIR: cwd }
  const child = spawn(process.execPath, [SOTTO, ...args], {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()))
  return {
    child,
    pid: child.pid!,
    output,
    ended: once(child, 'close').then(([code]) => code as number | null),
    printed: (text) =>
      vi.waitFor(() => expect(output.stdout + output.stderr).toMatch(text), { timeout: LONG, interval: 20 }),
  }
}

/** Sends a signal to a command and all it has started, as a terminal does. */
export function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // It has ended.
  }
}

/** A process and everything below it. */
export function family(pid: number): number[] {
  try {
    return [pid, ...childrenOf(pid).flatMap(family)]
  } catch {
    return [pid]
  }
}

/** The directories that the engines among these processes run in. */
export const engineFolders = (pids: number[]): string[] =>
  pids
    .map((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`)
      } catch {
        return ''
      }
    })
    .filter((path) => /\/sotto-engine-/.test(path))

/** Resolves when none of these processes runs any more. */
export const gone = (pids: number[]): Promise<void> =>
  vi.waitFor(() => expect(pids.filter(isRunning).map(whatRuns)).toEqual([]), {
    timeout: 20_000,
    interval: 50,
  })

const whatRuns = (pid: number): string => {
  try {
    return `${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`
  } catch {
    return `${pid}`
  }
}
