import { randomUUID } from 'node:crypto'
import { link, mkdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cliError } from '../errors.ts'
import { identityOf, isRunning, parseIdentity } from '../process/index.ts'

/** Others may take or leave the claim between our looking and our trying, so many times. */
const MAX_ATTEMPTS = 8

/**
 * Makes the folder of an interrupted pull and claims it for this pull, so that two never write the same file, be they
 * of two processes or of one. What a power cut left behind claims nothing.
 *
 * @returns what gives the claim back
 * @throws `CLI_PENDING` while another pull of the same model runs, `CLI_FILE`
 */
export async function claimPartial(folder: string): Promise<() => Promise<void>> {
  const lock = join(folder, '.lock')
  const own = join(folder, `.lock-${randomUUID()}`)
  try {
    await mkdir(folder, { recursive: true, mode: 0o755 })
    // The name of `own` tells this claim from a later one of the same process.
    const claim = JSON.stringify({ ...identityOf(process.pid), own })
    await writeFile(own, claim, { flag: 'wx', mode: 0o600 })
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      if (await linked(own, lock)) return () => giveBack(folder, lock, claim)
      await removeStale(lock, own)
    }
    throw busy()
  } catch (cause) {
    if (cause instanceof Error && 'action' in cause) throw cause
    throw cliError('CLI_FILE', `cannot write to ${folder}`, {
      cause,
      hint: 'choose another folder with --dir',
    })
  } finally {
    await rm(own, { force: true }).catch(() => {})
  }
}

/** Unlike writing, linking is all or nothing: nobody ever reads half a claim. */
async function linked(own: string, lock: string): Promise<boolean> {
  try {
    await link(own, lock)
    return true
  } catch (error) {
    // ENOENT: the pull that had claimed the folder moved it into place with all that was in it.
    if (['EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) return false
    throw error
  }
}

async function giveBack(folder: string, lock: string, claim: string): Promise<void> {
  if ((await readFile(lock, 'utf8').catch(() => '')) !== claim) return
  await rm(lock, { force: true })
  // Where nothing came, nothing was interrupted. With anything in it the folder stays.
  await rmdir(folder).catch(() => {})
}

/** @throws `CLI_PENDING` when its owner is alive */
async function removeStale(lock: string, own: string): Promise<void> {
  const read = await readFile(lock, 'utf8').catch(() => undefined)
  if (read === undefined) return
  const owner = parseIdentity(read)
  if (owner !== undefined && isRunning(owner)) throw busy(owner.pid)
  // Moved away first: should another pull have claimed it meanwhile, its claim is put back.
  const aside = `${own}-stale`
  await rename(lock, aside).catch(() => {})
  const moved = parseIdentity(await readFile(aside, 'utf8').catch(() => ''))
  if (moved !== undefined && isRunning(moved)) await linked(aside, lock)
  await rm(aside, { force: true })
}

function busy(pid?: number): Error {
  const who = pid === undefined || pid === process.pid ? 'another pull' : `process ${pid}`
  return cliError('CLI_PENDING', `${who} is fetching this model`, {
    hint: 'wait for it; the same command then finds the model here',
  })
}
