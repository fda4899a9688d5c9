import { constants, openSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** How often it is looked whether a process is gone, and for how long: one that the kernel cannot end stays. */
const GONE_CHECK_MS = 5
const GONE_MS = 10_000

/** A descriptor of `/proc/PID`: the process of that number now, and no other later. @throws the system's error */
export function openProcess(pid: number | string): number {
  return openSync(`/proc/${pid}`, constants.O_RDONLY | constants.O_DIRECTORY)
}

/** The process whose number is the first line that a capsule said; undefined where it has not come, or is gone. */
export function openFirst(text: string): number | undefined {
  const pid = /^(\d+)\n/.exec(text)?.[1]
  try {
    return pid === undefined ? undefined : openProcess(pid)
  } catch {
    return undefined
  }
}

/**
 * Waits until a process is gone: the kernel ends every process of a namespace before the first one is dead.
 * @param proc what {@link openProcess} returned
 */
export async function untilGone(proc: number): Promise<void> {
  const until = performance.now() + GONE_MS
  while (isAlive(proc) && performance.now() < until) await sleep(GONE_CHECK_MS)
}

/** `stat` has the state behind the name; a zombie waits for somebody to ask, and does nothing any more. */
function isAlive(proc: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/self/fd/${proc}/stat`, 'latin1'))
  } catch {
    return false
  }
}
