import { type ChildProcess, spawn } from 'node:child_process'
import { fstatSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { cliError } from '../errors.ts'
import type { CommandContext } from '../framework/index.ts'
import { identityOf } from '../process/index.ts'
import { claimStack, releaseClaim } from './claim.ts'
import { readRunning, type RunningStack } from './running.ts'
import { describeStateError } from './state-error.ts'

/** Longest wait for a detached stack to be ready, without an app. */
const READY_MS = 90_000

/**
 * Starts a command that keeps a stack in a session of its own, with these arguments, and waits until its stack is ready.
 * @param appMs what an app in it may take besides, milliseconds
 * @throws `STACK_FAILED` (retry) with its last words, `STACK_RUNNING`
 */
export async function detach(
  context: CommandContext,
  folder: string,
  command: 'up' | 'deploy',
  args: readonly string[],
  appMs = 0,
): Promise<RunningStack> {
  const logFile = join(folder, 'run', 'up.log')
  const log = openSync(logFile, 'a', 0o600)
  const { size: before } = fstatSync(log)
  const child = spawn(process.execPath, [process.argv[1]!, command, '--quiet', ...args], {
    cwd: context.io.cwd,
    env: process.env,
    detached: true,
    stdio: ['ignore', log, log],
  })
  let ended = false
  child.once('error', () => (ended = true))
  child.once('exit', () => (ended = true))
  const release = await claimFor(child, folder)
  const deadline = Date.now() + READY_MS + appMs
  while (!ended && Date.now() < deadline) {
    if (context.signal.aborted) {
      // It has a session of its own, so the terminal's Ctrl-C did not reach it.
      child.kill('SIGTERM')
      context.signal.throwIfAborted()
    }
    const running = await readRunning(folder)
    if (running) {
      child.unref()
      return running
    }
    await new Promise((done) => setTimeout(done, 100))
  }
  child.kill('SIGTERM')
  if (ended) await release()
  throw cliError('STACK_FAILED', 'the stack did not start', {
    found: await lastWords(logFile, before),
    hint: `see ${relative(context.io.cwd, logFile)}, or run sotto ${command} in the foreground`,
  })
}

/** Claims the folder for a child that does not run our code yet, so that `sotto down` finds it from the first moment. */
async function claimFor(child: ChildProcess, folder: string): Promise<() => Promise<void>> {
  const owner = child.pid === undefined ? undefined : identityOf(child.pid)
  if (owner === undefined) return async () => {}
  await claimStack(folder, owner).catch((error: unknown) => {
    child.kill('SIGTERM')
    throw describeStateError(error, folder)
  })
  return () => releaseClaim(folder, owner)
}

/** Why a detached stack ended, as it said itself. */
async function lastWords(logFile: string, from: number): Promise<string> {
  const said = (await readFile(logFile)).subarray(from).toString('utf8')
  const lines = said.split('\n').filter(Boolean)
  const last = lines.findLastIndex((line) => line.startsWith('error: '))
  const words = last === -1 ? lines.slice(-1) : lines.slice(last)
  return words.map((line) => line.trim().replaceAll(/\s+/g, ' ')).join('; ') || 'no output'
}
