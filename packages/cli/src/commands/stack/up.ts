import { spawn } from 'node:child_process'
import { fstatSync, openSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { defineCommand, type Command, type CommandContext } from '../../framework/index.ts'
import { SOFTWARE_BANNER } from '../../service/banner.ts'
import { findLayout } from '../../stack/layout.ts'
import { describeStateError } from '../../stack/state-error.ts'
import { startStack, type Stack } from '../../stack/start.ts'
import { writeWhole } from '../../stack/state.ts'
import { isAlive, readRunning, STATE_FOLDER, type RunningStack } from './running.ts'
import { cliError } from '../../errors.ts'

/** Longest wait for a detached stack to be ready. */
const DETACH_TIMEOUT_MS = 90_000

/** `sotto up` */
export const up: Command = defineCommand({
  path: ['up'],
  summary: 'Run the whole stack on this machine and keep it running',
  description:
    'Starts log, witness, KMS, enclave and relay as separate processes on a software TEE, seals and\n' +
    'loads the default models, and leaves address and policy in .sotto/, where the other commands find\n' +
    'them. State is kept: the next start has the same KMS. Ctrl-C or sotto down stops it.',
  flags: {
    detach: { type: 'boolean', short: 'd', summary: 'return once it is ready; sotto down stops it' },
    models: {
      type: 'string',
      value: 'DIR',
      summary: 'serve the models of this folder too, see sotto models pull',
    },
  },
  examples: ['sotto up', 'sotto up -d && sotto transcribe recording.wav; sotto down'],
  async run(context, _args, flags) {
    const folder = resolve(context.io.cwd, STATE_FOLDER)
    await mkdir(join(folder, 'run'), { recursive: true, mode: 0o700 }).catch((error: unknown) => {
      throw describeStateError(error, folder)
    })
    const running = await readRunning(folder)
    if (running) {
      throw cliError('STACK_RUNNING', `a stack already runs here (process ${running.supervisor})`, {
        hint: 'sotto down stops it',
      })
    }
    const models = flags.models === undefined ? [] : [resolve(context.io.cwd, flags.models)]
    if (flags.detach) return detach(context, folder, models)
    const release = await claim(folder).catch((error: unknown) => {
      throw describeStateError(error, folder)
    })
    context.onExit(release)
    await runInForeground(context, folder, models)
    return undefined
  },
})

async function runInForeground(
  context: CommandContext,
  folder: string,
  extraModels: readonly string[],
): Promise<void> {
  const started = performance.now()
  const stack = await startStack({
    layout: findLayout(),
    stateFolder: folder,
    extraModels,
    onProgress: (text) => context.note(`${text} ...`),
    signal: context.signal,
  })
  context.onExit(async () => {
    await rm(join(folder, 'stack.json'), { force: true })
    await stack.stop()
  })
  const running = describeRunning(stack, folder)
  await writeWhole(join(folder, 'stack.json'), JSON.stringify(running, null, 2))
  context.warn(`warning: ${SOFTWARE_BANNER}`)
  if (context.global.json) context.json({ ...running, readyMs: Math.round(performance.now() - started) })
  else printRunning(context, running, performance.now() - started)
  for (const role of stack.roles) {
    void role.ended.then((reason) => {
      if (context.signal.aborted) return
      context.warn(`warning: ${role.name} (process ${role.pid}) ended: ${reason}; the others keep running`)
      context.warn(
        `hint: see ${relative(context.io.cwd, join(folder, 'run', `${role.name}.log`))}; sotto down and sotto up start it again`,
      )
    })
  }
  await new Promise<void>((done) => context.signal.addEventListener('abort', () => done(), { once: true }))
}

async function detach(context: CommandContext, folder: string, models: readonly string[]): Promise<number> {
  const logFile = join(folder, 'run', 'up.log')
  const log = openSync(logFile, 'a', 0o600)
  const { size: before } = fstatSync(log)
  const child = spawn(
    process.execPath,
    [process.argv[1]!, 'up', '--quiet', ...models.flatMap((dir) => ['--models', dir])],
    {
      cwd: context.io.cwd,
      env: process.env,
      detached: true,
      stdio: ['ignore', log, log],
    },
  )
  let ended: number | null | undefined
  child.once('exit', (code) => (ended = code))
  const deadline = Date.now() + DETACH_TIMEOUT_MS
  while (ended === undefined && Date.now() < deadline) {
    if (context.signal.aborted) {
      // It has a session of its own, so the terminal's Ctrl-C did not reach it.
      child.kill('SIGTERM')
      context.signal.throwIfAborted()
    }
    const running = await readRunning(folder)
    if (running) {
      child.unref()
      if (context.global.json) context.json(running)
      else printRunning(context, running, undefined)
      return 0
    }
    await new Promise((done) => setTimeout(done, 100))
  }
  child.kill('SIGTERM')
  throw cliError('STACK_FAILED', 'the stack did not start', {
    found: await lastWords(logFile, before),
    hint: `see ${relative(context.io.cwd, logFile)}, or run sotto up without -d`,
  })
}

/** Why a detached stack ended, as it said itself. */
async function lastWords(logFile: string, from: number): Promise<string> {
  const said = (await readFile(logFile)).subarray(from).toString('utf8')
  const lines = said.split('\n').filter(Boolean)
  const last = lines.findLastIndex((line) => line.startsWith('error: '))
  const words = last === -1 ? lines.slice(-1) : lines.slice(last)
  return words.map((line) => line.trim()).join('; ') || 'no output'
}

function describeRunning(stack: Stack, folder: string): RunningStack {
  return {
    relay: stack.relayUrl,
    gateway: stack.gateway,
    policy: stack.policyFile,
    supervisor: process.pid,
    state: folder,
    roles: stack.roles.map(({ name, pid, ready }) => ({
      name,
      pid,
      url: Object.values((ready['urls'] as Record<string, string> | undefined) ?? {})[0] ?? '',
    })),
  }
}

function printRunning(context: CommandContext, running: RunningStack, readyMs: number | undefined): void {
  for (const { name, pid, url } of running.roles)
    context.out(`${name.padEnd(10)} ${url.padEnd(24)} process ${pid}`)
  context.out('')
  context.out(
    `ready${readyMs === undefined ? '' : ` in ${(readyMs / 1000).toFixed(1)} s`}; policy ${relative(context.io.cwd, running.policy)}`,
  )
  context.out('try: sotto verify, sotto transcribe FILE, sotto chat, sotto proxy')
}

/** One stack per folder: the file is made by one process only; a dead one's is taken over. */
async function claim(folder: string): Promise<() => Promise<void>> {
  const file = join(folder, 'supervisor.pid')
  for (let attempt = 0; ; attempt++) {
    try {
      await writeFile(file, String(process.pid), { flag: 'wx', mode: 0o600 })
      return () => rm(file, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt > 0) throw error
      if (await isAlive(file))
        throw cliError('STACK_RUNNING', 'a stack is already starting here', {
          hint: 'wait for it, or run sotto down',
        })
      await rm(file, { force: true })
    }
  }
}
