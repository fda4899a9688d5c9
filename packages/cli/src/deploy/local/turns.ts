import { existsSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { withLock, writeWhole } from '@sotto/client/node'
import { hasCode } from '@sotto/protocol/errors'
import { cliError } from '../../errors.ts'
import { identityOf, isRunning, parseIdentity } from '../../process/index.ts'
import { describeStateError } from '../../stack/state-error.ts'
import { type StoppedStack, stopStack } from '../../stack/stop.ts'

/** Longest wait for a deployment that was told to stop. */
const STOPPING_MS = 60_000

const placeOf = (folder: string): string => join(folder, 'deploy')
const markOf = (folder: string): string => join(folder, 'stopping')

/**
 * Deployments of one folder take turns: two at once would each stop what the other starts, and bring back what neither
 * wants.
 * @param waitMs how long to wait for another one, milliseconds. Default: not at all
 * @throws `STACK_RUNNING` while another one is at work
 */
export async function inTurn<T>(folder: string, work: () => Promise<T>, waitMs = 0): Promise<T> {
  let isOurs = false
  try {
    return await withLock(
      placeOf(folder),
      () => {
        isOurs = true
        return work()
      },
      waitMs,
    )
  } catch (error) {
    if (isOurs) throw error
    if (!hasCode(error, 'STORAGE_INVALID')) throw describeStateError(error, folder)
    throw cliError('STACK_RUNNING', 'another sotto deploy is at work here', { hint: 'wait for it' })
  }
}

/** Whether somebody who stops what runs here waits: then nothing is brought back. */
export function isToStop(folder: string): boolean {
  try {
    const waiting = parseIdentity(readFileSync(markOf(folder), 'utf8'))
    return waiting !== undefined && isRunning(waiting)
  } catch {
    return false
  }
}

/**
 * Stops what runs in a folder, and a deployment that is at work there with it.
 * @param last done while no deployment can begin
 */
export async function stopInTurn(
  folder: string,
  last: () => Promise<void> = async () => {},
): Promise<StoppedStack | undefined> {
  if (!existsSync(`${placeOf(folder)}.lock`)) {
    // Nothing was ever deployed here.
    const stopped = existsSync(folder) ? await stopStack(folder) : undefined
    await last()
    return stopped
  }
  await writeWhole(markOf(folder), JSON.stringify(identityOf(process.pid)))
  try {
    const stopped = await stopStack(folder)
    return await inTurn(
      folder,
      async () => {
        const later = await stopStack(folder)
        await last()
        return stopped ?? later
      },
      STOPPING_MS,
    )
  } finally {
    await rm(markOf(folder), { force: true })
  }
}
