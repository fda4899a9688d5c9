import { mkdir } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { MAX_UPLOAD_BYTES, MIN_UPLOAD_BYTES } from '@sotto/protocol/sizes'
import { defineCommand, type Command, type CommandContext } from '../../framework/index.ts'
import type { ModelOwner } from '@sotto/client'
import { fromBase64Url } from '@sotto/protocol/bytes'
import { hasCode } from '@sotto/protocol/errors'
import { openOwner, OWNER_FLAG, ownerKeyFile } from '../../owner/index.ts'
import { identityOf } from '../../process/index.ts'
import { SOFTWARE_BANNER } from '../../service/banner.ts'
import { parseAliases } from '../../stack/aliases.ts'
import { parseBrowserOrigins } from '../../stack/browser-origins.ts'
import { CONSOLE_ORIGINS } from '../../stack/console-origins.ts'
import { claimStack, readClaim, startingError } from '../../stack/claim.ts'
import { findLayout } from '../../stack/layout.ts'
import {
  readRunning,
  removeNote,
  type RunningStack,
  STATE_FOLDER,
  troubleOf,
  writeNote,
} from '../../stack/running.ts'
import { findModels } from '../../stack/models.ts'
import { describeStateError } from '../../stack/state-error.ts'
import { startStack, type Stack, type StackOptions } from '../../stack/start.ts'
import { detach } from './detach.ts'
import { cliError } from '../../errors.ts'

/** `sotto up` */
export const up: Command = defineCommand({
  path: ['up'],
  summary: 'Run the whole stack on this machine and keep it running',
  description:
    'Starts log, witness, KMS, registry, enclave and relay as separate processes on a software TEE, seals and\n' +
    'loads the default models, and leaves address and policy in .sotto/, where the other commands find\n' +
    'them. State is kept: the next start has the same KMS. Ctrl-C or sotto down stops it.',
  flags: {
    detach: { type: 'boolean', short: 'd', summary: 'return once it is ready; sotto down stops it' },
    models: {
      type: 'string',
      value: 'DIR',
      summary: 'serve the models of this folder too, or the model that it is; see sotto models pull',
    },
    alias: {
      type: 'string',
      value: 'NAME=MODEL',
      summary: 'serve a model under another name too, whisper-1=MODEL; may be given several times',
      repeats: true,
    },
    'max-upload': {
      type: 'size',
      value: 'SIZE',
      summary: 'largest recording: 512MB, 1GiB (default 256MiB)',
      min: MIN_UPLOAD_BYTES,
      max: MAX_UPLOAD_BYTES,
    },
    ...OWNER_FLAG,
    compat: {
      type: 'string',
      value: 'DIALECT',
      summary: 'serve clients of another dialect too: azure, see docs/compat-azure.md',
      choices: ['azure'],
    },
    'receipt-log': {
      type: 'number',
      value: 'SECONDS',
      summary: 'log salted digests of receipts in batches this far apart; see sotto receipt logged',
      min: 10,
      max: 86_400,
      integer: true,
    },
    'browser-origin': {
      type: 'string',
      value: 'ORIGIN',
      summary:
        'let pages of this web origin use the relay beside those of sotto console; may be given several times',
      repeats: true,
    },
  },
  examples: ['sotto up', 'sotto up -d && sotto transcribe recording.wav; sotto down'],
  async run(context, _args, flags) {
    const folder = resolve(context.io.cwd, STATE_FOLDER)
    await mkdir(join(folder, 'run'), { recursive: true, mode: 0o700 }).catch((error: unknown) => {
      throw describeStateError(error, folder)
    })
    await refuseSecond(folder)
    const models = flags.models === undefined ? [] : [resolve(context.io.cwd, flags.models)]
    // Before anything starts: what is wrong with them is not the stack's failure.
    await findModels([findLayout().models, ...models])
    const aliases = parseAliases(flags.alias ?? [])
    const browserOrigins = parseBrowserOrigins(flags['browser-origin'] ?? [])
    const maxUpload = flags['max-upload']
    const keyFile = ownerKeyFile(context.io, flags.owner)
    const owner = await ownOwner(context, keyFile, flags.owner !== undefined)
    if (flags.detach) {
      const running = await detach(context, folder, [
        ...models.flatMap((directory) => ['--models', directory]),
        ...(flags.alias ?? []).flatMap((alias) => ['--alias', alias]),
        ...(maxUpload === undefined ? [] : ['--max-upload', String(maxUpload)]),
        ...(flags.compat === undefined ? [] : ['--compat', flags.compat]),
        ...(flags['receipt-log'] === undefined ? [] : ['--receipt-log', String(flags['receipt-log'])]),
        ...browserOrigins.flatMap((origin) => ['--browser-origin', origin]),
        ...(owner === undefined ? [] : ['--owner', keyFile]),
      ])
      announce(context, running, undefined)
      return
    }
    const release = await claimStack(folder, identityOf(process.pid)!).catch((error: unknown) => {
      throw describeStateError(error, folder)
    })
    context.onExit(release)
    await runInForeground(context, folder, {
      extraModels: models,
      aliases,
      browserOrigins: [...new Set([...CONSOLE_ORIGINS, ...browserOrigins])],
      ...(owner && { owner: fromBase64Url(owner.key) }),
      maxUploadBytes: maxUpload,
      ...(flags.compat === 'azure' && { compat: 'azure' }),
      ...(flags['receipt-log'] !== undefined && { receiptLogSeconds: flags['receipt-log'] }),
    })
  },
})

/** The owner whose models the stack takes. Without one that was asked for it does not start; without any it does. */
async function ownOwner(
  context: CommandContext,
  file: string,
  isNamed: boolean,
): Promise<ModelOwner | undefined> {
  try {
    const { owner, isNew } = await openOwner(file)
    if (isNew) context.note(`made your owner key, for models of your own: ${file}`)
    return owner
  } catch (error) {
    if (isNamed || !hasCode(error, 'CLI_FILE')) throw error
    context.note(`takes no models of owners: ${error.message}`)
    return undefined
  }
}

/** @throws `STACK_RUNNING` when a stack runs or starts here, with what is wrong with it */
async function refuseSecond(folder: string): Promise<void> {
  const running = await readRunning(folder)
  if (running === undefined) {
    const starting = await readClaim(folder)
    // `up -d` claims the folder for the process that it starts, which is this one then.
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

async function runInForeground(
  context: CommandContext,
  folder: string,
  options: Pick<
    StackOptions,
    'extraModels' | 'aliases' | 'browserOrigins' | 'compat' | 'owner' | 'receiptLogSeconds'
  > & { maxUploadBytes: number | undefined },
): Promise<void> {
  const started = performance.now()
  const { maxUploadBytes, ...more } = options
  const stack = await startStack({
    layout: findLayout(),
    stateFolder: folder,
    ...more,
    ...(maxUploadBytes !== undefined && { maxUploadBytes }),
    onProgress: (text) => context.note(`${text} ...`),
    signal: context.signal,
  })
  let noted: Promise<void> = Promise.resolve()
  context.onExit(async () => {
    await noted
    await removeNote(folder)
    await stack.stop()
  })
  const running = describeRunning(stack, folder)
  await writeNote(folder, running)
  announce(context, running, performance.now() - started)
  for (const [index, role] of stack.roles.entries()) {
    void role.ended.then((reason) => {
      if (context.signal.aborted) return
      // Nobody may be reading what a stack in the background says: the other commands read the note.
      running.roles[index]!.ended = { at: new Date(context.io.now()).toISOString(), reason }
      noted = noted.then(() => writeNote(folder, running)).catch(() => {})
      context.warn(`warning: ${role.name} (process ${role.pid}) ended: ${reason}; the others keep running`)
      context.warn(
        `hint: see ${relative(context.io.cwd, join(folder, 'run', `${role.name}.log`))}; sotto down and sotto up start it again`,
      )
    })
  }
  await new Promise<void>((done) => context.signal.addEventListener('abort', () => done(), { once: true }))
}

function describeRunning(stack: Stack, folder: string): RunningStack {
  const { pid, started } = identityOf(process.pid)!
  return {
    relay: stack.relayUrl,
    gateway: stack.gateway,
    policy: stack.policyFile,
    software: true,
    supervisor: pid,
    supervisorStarted: started,
    state: folder,
    roles: stack.roles.map((role) => ({
      name: role.name,
      pid: role.pid,
      url: Object.values((role.ready['urls'] as Record<string, string> | undefined) ?? {})[0] ?? '',
    })),
    ...(stack.azure && { azure: stack.azure }),
  }
}

/** What a started stack is, and that it rests on no hardware (T10). */
function announce(context: CommandContext, running: RunningStack, readyMs: number | undefined): void {
  context.warn(`warning: ${SOFTWARE_BANNER}`)
  if (context.global.json) {
    context.json({ ...running, ...(readyMs !== undefined && { readyMs: Math.round(readyMs) }) })
    return
  }
  for (const { name, pid, url } of running.roles)
    context.out(`${name.padEnd(10)} ${url.padEnd(24)} process ${pid}`)
  context.out('')
  context.out(
    `ready${readyMs === undefined ? '' : ` in ${(readyMs / 1000).toFixed(1)} s`}; policy ${relative(context.io.cwd, running.policy)}`,
  )
  if (running.azure) {
    const { kms, serviceFile, score } = running.azure
    context.out(`azure      ${score}, KMS ${kms}, certificate ${relative(context.io.cwd, serviceFile)}`)
  }
  context.out('try: sotto verify, sotto transcribe FILE, sotto chat, sotto proxy, sotto console')
}
