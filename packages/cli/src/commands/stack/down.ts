import { resolve } from 'node:path'
import { defineCommand, type Command } from '../../framework/index.ts'
import { familyOf, isRunning, type ProcessIdentity, signalProcess } from '../../process/index.ts'
import { readClaim, releaseClaim } from '../../stack/claim.ts'
import { removeImages } from '../../stack/images.ts'
import { readRunning, removeNote, STATE_FOLDER, supervisorOf } from '../../stack/running.ts'
import { cliError } from '../../errors.ts'

/** Longest wait for the stack to end by itself. */
const GRACE_MS = 20_000
/** Longest wait for what a stack that was killed leaves behind. */
const KILLED_MS = 5_000

/** `sotto down` */
export const down: Command = defineCommand({
  path: ['down'],
  summary: 'Stop the stack that sotto up runs here',
  description:
    'One that is still starting too. Its state stays in .sotto/; sotto up continues with the same KMS.',
  flags: {},
  async run(context) {
    const folder = resolve(context.io.cwd, STATE_FOLDER)
    const running = await readRunning(folder)
    const supervisor = running === undefined ? await readClaim(folder) : supervisorOf(running)
    if (supervisor === undefined) {
      await removeNote(folder)
      throw cliError('STACK_NOT_RUNNING', 'no stack runs here', {
        hint: 'sotto up starts one in this directory',
      })
    }
    await endFamily(supervisor)
    await removeNote(folder)
    // A supervisor that was killed could not take them away.
    await removeImages(folder)
    await releaseClaim(folder, supervisor)
    const stopped = running?.roles.map(({ name }) => name) ?? []
    if (context.global.json) context.json({ stopped, wasStarting: running === undefined })
    else if (running === undefined)
      context.out(`stopped the stack that was starting (process ${supervisor.pid})`)
    else context.out(`stopped ${stopped.join(', ')}`)
  },
})

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
