import { spawn, type ChildProcess } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { cliError } from '../errors.ts'

/** What a role says when it serves. */
export type ReadyMessage = { type: 'ready' } & Record<string, unknown>

/** How to start one role as a process of its own. */
export interface RoleCommand {
  /** For people: `log`, `kms`, `inference` … */
  name: string
  node: string
  args: string[]
  cwd: string
  /** The whole environment: nothing is inherited (npm_config_*, NODE_OPTIONS would leak in). */
  env: Readonly<Record<string, string>>
  /** Its stdout and stderr, appended. */
  logFile: string
  /** Longest wait for it to say that it is ready, milliseconds. Default 60000. */
  readyMs?: number | undefined
  /** Answers what the role asks its hardware; absent for untrusted roles. */
  onMessage?: (message: unknown, reply: (answer: object) => void) => void
}

/** A role's process. */
export interface RoleProcess {
  readonly name: string
  readonly pid: number
  /** What it said when ready. */
  readonly ready: ReadyMessage
  /** Resolves once, with why it ended, in words. */
  readonly ended: Promise<string>
  /** SIGTERM, then SIGKILL after `graceMs`. Resolves when it is gone. */
  stop(graceMs?: number): Promise<void>
}

/** Longest wait for a role to say it is ready. */
export const READY_MS = 60_000
const LAST_LINES = 8

/**
 * Starts a role and waits until it is ready. The role exits by itself when this process dies (its
 * IPC channel closes), kill -9 included.
 *
 * @throws `ROLE_FAILED` (retry) with its last log lines when it ends or hangs before it is ready
 */
export async function startChild(command: RoleCommand): Promise<RoleProcess> {
  const { readyMs = READY_MS } = command
  // Node cannot lower its own core limit, and measured roles refuse to start with one.
  const child = spawn('/bin/sh', ['-c', 'ulimit -c 0 && exec "$0" "$@"', command.node, ...command.args], {
    cwd: command.cwd,
    env: command.env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const lines = recordOutput(child, command.logFile)
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => resolve(signal ? `killed by ${signal}` : `exit code ${code}`))
  })
  const ready = new Promise<ReadyMessage>((resolve) => {
    child.on('message', (message) => {
      if (isReady(message)) resolve(message)
      else command.onMessage?.(message, (answer) => child.connected && child.send(answer))
    })
  })
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, readyMs, `not ready after ${readyMs / 1000} s`)
  })
  const first = await Promise.race([ready, ended, timeout])
  clearTimeout(timer)
  if (typeof first === 'string') {
    child.kill('SIGKILL')
    throw cliError('ROLE_FAILED', `${command.name} did not start: ${first}`, {
      found: lines.slice(-LAST_LINES).join(' | ') || 'no output',
      hint: `see ${command.logFile}`,
    })
  }
  return {
    name: command.name,
    pid: child.pid!,
    ready: first,
    ended,
    stop: (graceMs = 5_000) => stop(child, ended, graceMs),
  }
}

async function stop(child: ChildProcess, ended: Promise<string>, graceMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
  await ended
  clearTimeout(timer)
}

/** Roles log JSON lines through an allow-list; nothing here adds to them. */
function recordOutput(child: ChildProcess, logFile: string): string[] {
  const lines: string[] = []
  const log = createWriteStream(logFile, { flags: 'a', mode: 0o600 })
  log.on('error', () => {}) // a full disk must not take the stack down
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.on('data', (chunk: Buffer) => {
      log.write(chunk)
      lines.push(...chunk.toString('utf8').split('\n').filter(Boolean))
      lines.splice(0, Math.max(0, lines.length - 50))
    })
  }
  child.once('close', () => log.end())
  return lines
}

function isReady(message: unknown): message is ReadyMessage {
  return typeof message === 'object' && message !== null && (message as { type?: unknown }).type === 'ready'
}
