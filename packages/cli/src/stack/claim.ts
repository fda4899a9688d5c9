import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isRunning, parseIdentity, type ProcessIdentity } from '../process/index.ts'
import { cliError } from '../errors.ts'

const fileOf = (folder: string): string => join(folder, 'supervisor.pid')

/**
 * One stack per folder: claims it for the process that starts or keeps one. A claim whose process has gone,
 * its number reused or not, is taken over.
 * @returns what gives the claim back
 * @throws `STACK_RUNNING` (fix-input) while another process holds it
 */
export async function claimStack(folder: string, owner: ProcessIdentity): Promise<() => Promise<void>> {
  const file = fileOf(folder)
  const own = `${file}.${process.pid}.tmp`
  await writeFile(own, JSON.stringify(owner), { mode: 0o600 })
  try {
    // A link is made whole or not at all, so nobody ever reads half a claim.
    while (!(await linked(own, file))) {
      const holder = await readFile(file, 'utf8').catch(() => '')
      if (holder === JSON.stringify(owner)) break
      if (isAlive(holder)) throw startingError()
      if (!(await removed(file, holder))) throw startingError()
    }
  } finally {
    await rm(own, { force: true })
  }
  return () => releaseClaim(folder, owner)
}

/** The process that starts or keeps a stack in this folder, if one does. */
export async function readClaim(folder: string): Promise<ProcessIdentity | undefined> {
  const holder = parseIdentity(await readFile(fileOf(folder), 'utf8').catch(() => ''))
  return holder !== undefined && isRunning(holder) ? holder : undefined
}

/** Removes the claim of a process, whether it still runs or not, and nobody else's. */
export async function releaseClaim(folder: string, owner: ProcessIdentity): Promise<void> {
  await removed(fileOf(folder), JSON.stringify(owner))
}

function isAlive(holder: string): boolean {
  const identity = parseIdentity(holder)
  return identity !== undefined && isRunning(identity)
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  }
}

/** Removes a file while it holds this text; two who take the same dead claim over do not remove each other's. */
async function removed(file: string, text: string): Promise<boolean> {
  const aside = `${file}.${process.pid}.old`
  try {
    await rename(file, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true
    throw error
  }
  const isIt = (await readFile(aside, 'utf8')) === text
  if (!isIt) await linked(aside, file)
  await rm(aside, { force: true })
  return isIt
}

export function startingError(): Error {
  return cliError('STACK_RUNNING', 'a stack is already starting here', {
    hint: 'wait for it, or run sotto down',
  })
}
