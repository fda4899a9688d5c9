import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Folder of a local stack's state, in the working directory. */
export const STATE_FOLDER = '.sotto'

/** What `stack.json` says of a running stack. */
export interface RunningStack {
  relay: string
  gateway: string
  policy: string
  /** Process that keeps the stack. */
  supervisor: number
  state: string
  roles: { name: string; pid: number; url: string }[]
}

/** The stack that runs from this state folder, if one does. A note left by a killed one counts as none. */
export async function readRunning(folder: string): Promise<RunningStack | undefined> {
  const text = await readFile(join(folder, 'stack.json'), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    const running = JSON.parse(text) as RunningStack
    return processExists(running.supervisor) ? running : undefined
  } catch {
    return undefined
  }
}

/** Whether the process whose number a file holds still runs. */
export async function isAlive(file: string): Promise<boolean> {
  const pid = Number(await readFile(file, 'utf8').catch(() => ''))
  return processExists(pid)
}

/** Whether a process of this number runs. */
export function processExists(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 1) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
