import { join, relative } from 'node:path'
import { cliError } from '../errors.ts'
import type { CommandContext } from '../framework/index.ts'
import { identityOf } from '../process/index.ts'
import { claimStack, readClaim, startingError } from './claim.ts'
import type { RoleProcess } from './child.ts'
import { findLayout } from './layout.ts'
import {
  readRunning,
  removeNote,
  type RunningDeployment,
  type RunningRole,
  type RunningStack,
  troubleOf,
  writeNote,
} from './running.ts'
import { startStack } from './start.ts'
import { describeStateError } from './state-error.ts'
import type { Stack, StackOptions } from './types.ts'

/** Asks what keeps a stack to start its enclaves again. Not SIGHUP, which a terminal sends that is closed. */
export const RESTART_SIGNAL = 'SIGUSR2'

/** What keeps a stack is told about it. */
export interface Supervised {
  /** State folder of the stack. */
  folder: string
  options: Omit<StackOptions, 'layout' | 'stateFolder' | 'onProgress' | 'signal'>
  /** Which deployment the stack is; absent: none, but the stack of `sotto up`. */
  deployment?: RunningDeployment
  /** Told once it is ready, after `ms`. */
  onReady(running: RunningStack, ms: number): void
}

/** @throws `STACK_RUNNING` when a stack runs or starts in this state folder, with what is wrong with it */
export async function refuseSecondStack(folder: string): Promise<void> {
  const running = await readRunning(folder)
  if (running === undefined) {
    const starting = await readClaim(folder)
    // One in the background has its folder claimed for it by whoever starts it: for this process, then.
    if (starting !== undefined && starting.pid !== process.pid) throw startingError()
    return
  }
  const trouble = troubleOf(running)
  throw cliError(
    'STACK_RUNNING',
    trouble === undefined
      ? `a stack already runs here (process ${running.supervisor})`
      : `a stack already runs here (process ${running.supervisor}), but not all of it`,
    trouble === undefined ? { hint: 'sotto down stops it' } : { found: trouble.what, hint: trouble.hint },
  )
}

/**
 * Starts a stack and keeps it until the command is interrupted. The note that other commands find it by says what runs,
 * and what has ended. {@link RESTART_SIGNAL} starts its enclaves again, one after the other.
 */
export async function superviseStack(context: CommandContext, supervised: Supervised): Promise<void> {
  const { folder, options, deployment } = supervised
  const release = await claimStack(folder, identityOf(process.pid)!).catch((error: unknown) => {
    throw describeStateError(error, folder)
  })
  context.onExit(release)
  const started = performance.now()
  const stack = await startStack({
    layout: findLayout(),
    stateFolder: folder,
    ...options,
    onProgress: (text) => context.note(`${text} ...`),
    signal: context.signal,
  })
  let noted: Promise<void> = Promise.resolve()
  const running = describeRunning(stack, folder, deployment)
  const renew = (): void => {
    noted = noted.then(() => writeNote(folder, running)).catch(() => {})
  }
  context.onExit(async () => {
    await noted
    await removeNote(folder)
    await stack.stop()
  })
  /** Those that ended while enclaves were started again: which of them were asked to shows when that is over. */
  const ended = new Map<RoleProcess, string>()
  const noteEnd = (role: RoleProcess, reason: string): void => {
    const index = stack.roles.indexOf(role)
    if (context.signal.aborted || index === -1) return
    // Nobody may be reading what a stack in the background says: the other commands read the note.
    running.roles[index]!.ended = { at: new Date(context.io.now()).toISOString(), reason }
    renew()
    context.warn(`warning: ${role.name} (process ${role.pid}) ended: ${reason}; the others keep running`)
    context.warn(
      `hint: see ${relative(context.io.cwd, join(folder, 'run', `${role.name}.log`))}; stop it and start it again`,
    )
  }
  const watch = (role: RoleProcess): void => {
    void role.ended.then((reason) => {
      if (isRestarting) ended.set(role, reason)
      else noteEnd(role, reason)
    })
  }
  let isRestarting = false
  const restart = async (): Promise<void> => {
    if (isRestarting) return
    isRestarting = true
    try {
      await stack.restartEnclaves((name) => {
        const index = stack.roles.findIndex((role) => role.name === name)
        running.roles[index] = describeRole(stack.roles[index]!)
        watch(stack.roles[index]!)
        renew()
      })
    } catch (error) {
      await context.reportFailure(error)
    } finally {
      isRestarting = false
      for (const [role, reason] of ended) noteEnd(role, reason)
      ended.clear()
      running.restarts = (running.restarts ?? 0) + 1
      renew()
    }
  }
  const onRestart = (): void => void restart()
  process.on(RESTART_SIGNAL, onRestart)
  context.onExit(() => void process.off(RESTART_SIGNAL, onRestart))
  await writeNote(folder, running)
  for (const role of stack.roles) watch(role)
  supervised.onReady(running, performance.now() - started)
  await new Promise<void>((done) => context.signal.addEventListener('abort', () => done(), { once: true }))
}

function describeRunning(
  stack: Stack,
  folder: string,
  deployment: RunningDeployment | undefined,
): RunningStack {
  const { pid, started } = identityOf(process.pid)!
  return {
    relay: stack.relayUrl,
    gateway: stack.gateway,
    policy: stack.policyFile,
    software: true,
    supervisor: pid,
    supervisorStarted: started,
    state: folder,
    roles: stack.roles.map(describeRole),
    ...(stack.azure && { azure: stack.azure }),
    ...(deployment && { deployment }),
  }
}

function describeRole(role: RoleProcess): RunningRole {
  const urls = role.ready['urls'] as Record<string, string> | undefined
  return { name: role.name, pid: role.pid, url: Object.values(urls ?? {})[0] ?? '' }
}
