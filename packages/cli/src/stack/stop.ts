import { familyOf, isRunning, type ProcessIdentity, signalProcess } from '../process/index.ts'
import { readClaim, releaseClaim } from './claim.ts'
import { removeImages } from './images.ts'
import { readRunning, removeNote, supervisorOf } from './running.ts'

/** Longest wait for the stack to end by itself. */
const GRACE_MS = 20_000
/** Longest wait for what a stack that was killed leaves behind. */
const KILLED_MS = 5_000

/** A stack that was stopped. */
export interface StoppedStack {
  /** Process that kept it. */
  supervisor: number
  roles: string[]
  /** It had not come so far as to run. */
  wasStarting: boolean
}

/** Stops the stack of a state folder, one that is still starting too. Undefined where none runs. Its state stays. */
export async function stopStack(folder: string): Promise<StoppedStack | undefined> {
  const running = await readRunning(folder)
  const supervisor = running === undefined ? await readClaim(folder) : supervisorOf(running)
  if (supervisor === undefined) {
    await removeNote(folder)
    return undefined
  }
  await endFamily(supervisor)
  await removeNote(folder)
  // A supervisor that was killed could not take them away.
  await removeImages(folder)
  await releaseClaim(folder, supervisor)
  return {
    supervisor: supervisor.pid,
    roles: running?.roles.map(({ name }) => name) ?? [],
    wasStarting: running === undefined,
  }
}

/** Ends a supervisor and waits for it and all its processes. */
async function endFamily(supervisor: ProcessIdentity): Promise<void> {
  const family = new Map<number, ProcessIdentity>()
  const look = (): void => {
    for (const member of familyOf(supervisor.pid)) family.set(member.pid, member)
  }
  look()
  signalProcess(supervisor, 'SIGTERM')
  await waitFor(GRACE_MS, () => {
    // One that still starts may have had more children since the last look.
    look()
    return !isRunning(supervisor)
  })
  signalProcess(supervisor, 'SIGKILL')
  // The roles end by themselves when their supervisor is gone, however it went.
  const gone = (): boolean => ![...family.values()].some(isRunning)
  if (await waitFor(KILLED_MS, gone)) return
  for (const member of family.values()) signalProcess(member, 'SIGKILL')
  await waitFor(KILLED_MS, gone)
}

async function waitFor(timeoutMs: number, isTrue: () => boolean): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  while (!isTrue()) {
    if (performance.now() > deadline) return false
    await new Promise((done) => setTimeout(done, 50))
  }
  return true
}
