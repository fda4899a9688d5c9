import { mkdir } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import type { ModelOwner } from '@sotto/client'
import { fromBase64Url } from '@sotto/protocol/bytes'
import { hasCode } from '@sotto/protocol/errors'
import { MAX_UPLOAD_BYTES, MIN_UPLOAD_BYTES } from '@sotto/protocol/sizes'
import { defineCommand, type Command, type CommandContext } from '../../framework/index.ts'
import { openOwner, OWNER_FLAG, ownerKeyFile } from '../../owner/index.ts'
import { SOFTWARE_BANNER } from '../../service/banner.ts'
import { parseAdmitted } from '../../stack/admitted.ts'
import { parseAliases } from '../../stack/aliases.ts'
import { parseBrowserOrigins } from '../../stack/browser-origins.ts'
import { CONSOLE_ORIGINS } from '../../stack/console-origins.ts'
import { detach } from '../../stack/detach.ts'
import { findLayout } from '../../stack/layout.ts'
import { findModels } from '../../stack/models.ts'
import { hasQueries } from '../../stack/rooms.ts'
import { type RunningStack, STATE_FOLDER } from '../../stack/running.ts'
import { describeStateError } from '../../stack/state-error.ts'
import { refuseSecondStack, superviseStack } from '../../stack/supervise.ts'

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
    admit: {
      type: 'string',
      value: 'KEY',
      summary:
        'let a party of clean rooms or an owner of models in, by public key; may be given several times',
      repeats: true,
    },
    rooms: {
      type: 'boolean',
      summary: 'run a clean room and its boards too, for contracts of several parties',
    },
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
    await refuseSecondStack(folder)
    const models = flags.models === undefined ? [] : [resolve(context.io.cwd, flags.models)]
    // Before anything starts: what is wrong with them is not the stack's failure.
    await findModels([findLayout().models, ...models])
    const aliases = parseAliases(flags.alias ?? [])
    const browserOrigins = parseBrowserOrigins(flags['browser-origin'] ?? [])
    const admitted = parseAdmitted(flags.admit ?? [])
    const maxUpload = flags['max-upload']
    const keyFile = ownerKeyFile(context.io, flags.owner)
    const owner = await ownOwner(context, keyFile, flags.owner !== undefined)
    if (flags.rooms && !hasQueries(findLayout()))
      context.note('the clean room runs no queries: npm run rooms installs DuckDB and builds it in')
    if (flags.detach) {
      const running = await detach(context, folder, 'up', [
        ...models.flatMap((directory) => ['--models', directory]),
        ...(flags.alias ?? []).flatMap((alias) => ['--alias', alias]),
        ...(maxUpload === undefined ? [] : ['--max-upload', String(maxUpload)]),
        ...(flags.rooms ? ['--rooms'] : []),
        ...(flags.compat === undefined ? [] : ['--compat', flags.compat]),
        ...(flags['receipt-log'] === undefined ? [] : ['--receipt-log', String(flags['receipt-log'])]),
        ...browserOrigins.flatMap((origin) => ['--browser-origin', origin]),
        ...(owner === undefined ? [] : ['--owner', keyFile]),
        ...admitted.flatMap((key) => ['--admit', key]),
      ])
      announce(context, running, undefined)
      return
    }
    await superviseStack(context, {
      folder,
      options: {
        extraModels: models,
        aliases,
        browserOrigins: [...new Set([...CONSOLE_ORIGINS, ...browserOrigins])],
        ...(owner && { owner: fromBase64Url(owner.key) }),
        admitted,
        ...(maxUpload !== undefined && { maxUploadBytes: maxUpload }),
        ...(flags.rooms && { rooms: true }),
        ...(flags.compat === 'azure' && { compat: 'azure' }),
        ...(flags['receipt-log'] !== undefined && { receiptLogSeconds: flags['receipt-log'] }),
      },
      onReady: (running, ms) => announce(context, running, ms),
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
