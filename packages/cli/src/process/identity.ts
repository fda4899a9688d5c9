import { readFileSync } from 'node:fs'

/** A process that cannot be mistaken for a later one of the same number. */
export interface ProcessIdentity {
  pid: number
  /** Boot of the machine, and clock ticks from there until the process started. */
  started: string
}

/** The process that has this number now; undefined when none runs. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const started = startOf(pid)
  return started === undefined ? undefined : { pid, started }
}

/** Whether exactly this process still runs: numbers are given again, at the latest after a restart of the machine. */
export function isRunning({ pid, started }: ProcessIdentity): boolean {
  return startOf(pid) === started
}

/** An identity as a file holds it; undefined for anything else, a bare number included. */
export function parseIdentity(text: string): ProcessIdentity | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const { pid, started } = (value ?? {}) as Record<string, unknown>
  return Number.isInteger(pid) && typeof started === 'string' ? { pid: pid as number, started } : undefined
}

/** A process and everything below it, oldest first. */
export function familyOf(pid: number): ProcessIdentity[] {
  const own = identityOf(pid)
  if (own === undefined) return []
  return [own, ...childrenOf(pid).flatMap(familyOf)]
}

/** Sends a signal to exactly this process. A process that has gone meanwhile is what the caller wanted. */
export function signalProcess(process_: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isRunning(process_)) return
  try {
    process.kill(process_.pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function startOf(pid: number): string | undefined {
  // 0 and below name groups, 1 is never ours.
  if (!Number.isInteger(pid) || pid <= 1) return undefined
  const stat = read(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  // The program's name in parentheses may hold anything; behind it come the fields from the third on.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // It has ended, and only waits to be collected.
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined
  return `${read('/proc/sys/kernel/random/boot_id')?.trim() ?? ''}/${fields[22 - 3]}`
}

function childrenOf(pid: number): number[] {
  return (read(`/proc/${pid}/task/${pid}/children`) ?? '').split(' ').filter(Boolean).map(Number)
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}
