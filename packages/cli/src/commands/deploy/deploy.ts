import { dirname, relative, resolve } from 'node:path'
import { TARGETS } from '../../deploy/file/index.ts'
import { deployToCluster } from '../../deploy/cluster/deploy.ts'
import { deployLocally, keepLocally, prepareLocal, stateFolderOf } from '../../deploy/local/run.ts'
import type { Prepared } from '../../deploy/prepare.ts'
import { openSnapshots } from '../../deploy/snapshot/snapshots.ts'
import { cliError } from '../../errors.ts'
import { type Command, type CommandContext, defineCommand, type FlagValues } from '../../framework/index.ts'
import { signalProcess } from '../../process/index.ts'
import { SOFTWARE_BANNER } from '../../service/banner.ts'
import { readRunning, supervisorOf, troubleOf } from '../../stack/running.ts'
import { refuseSecondStack, RESTART_SIGNAL } from '../../stack/supervise.ts'
import { FILE_FLAG, readNamedFile } from './flags.ts'

const FLAGS = {
  ...FILE_FLAG,
  target: {
    type: 'string',
    short: 't',
    value: 'TARGET',
    choices: TARGETS,
    summary: 'where it is to run (default: what sotto.yaml says, else local)',
  },
  'dry-run': { type: 'boolean', summary: 'say what would be deployed, and change nothing' },
  undo: { type: 'boolean', summary: 'go back to what was deployed here before' },
  restart: {
    type: 'boolean',
    summary: 'local: start the enclaves again, one after the other, while the others serve',
  },
  output: { type: 'string', short: 'o', value: 'DIR', summary: 'clusters: folder for what is rendered' },
  kms: {
    type: 'string',
    value: 'URL',
    summary: 'clusters: the KMS, once it runs; an app is sealed for it (remembered)',
  },
  log: { type: 'string', value: 'URL', summary: 'clusters: the log, to verify that KMS (remembered)' },
  images: { type: 'string', value: 'DIR', summary: 'aci: layouts of sotto images build, kms and inference' },
  apply: { type: 'boolean', summary: 'clusters: hand it over to docker, helm or az, if they are here' },
  foreground: { type: 'boolean', summary: 'local: stay in the foreground, Ctrl-C ends it' },
  snapshot: { type: 'string', value: 'DIGEST', summary: 'deploy what was deployed here under this digest' },
} as const

/** `sotto deploy` */
export const deploy: Command = defineCommand({
  path: ['deploy'],
  summary: 'Run what sotto.yaml describes, here or in a cluster',
  description:
    'local: starts log, witness, KMS, registry, enclaves and relay on a software TEE, with the own app behind the ' +
    'gateway, and returns when a client that verified first got an answer. The same file deployed again changes ' +
    'nothing; another one takes its place, and if it does not start, the one before runs again. compose, ' +
    'kubernetes, aci: writes what these take, from the same configuration, and with --apply hands it over.',
  flags: FLAGS,
  examples: ['sotto deploy', 'sotto deploy --target kubernetes -o out', 'sotto deploy --undo'],
  async run(context, _args, flags) {
    const file = await readNamedFile(context, flags.file)
    const target = flags.target ?? file.target
    if (target !== 'local') {
      requireNone(flags, ['foreground', 'restart', 'snapshot', 'undo'], 'local')
      return deployToCluster(context, file, target, {
        dryRun: flags['dry-run'],
        apply: flags.apply,
        output: flags.output,
        kms: flags.kms,
        log: flags.log,
        images: flags.images === undefined ? undefined : resolve(context.io.cwd, flags.images),
      })
    }
    requireNone(flags, ['output', 'apply', 'kms', 'log', 'images'], 'compose, kubernetes or aci')
    const folder = stateFolderOf(file)
    if (flags.restart) return restart(context, folder)
    const snapshot = flags.undo ? await before(folder) : flags.snapshot
    const prepared = await prepareLocal(context, file, { snapshot, dryRun: flags['dry-run'] })
    if (flags['dry-run']) return describe(context, prepared)
    if (flags.foreground) {
      await refuseSecondStack(folder)
      return keepLocally(context, prepared, (running, ms) => {
        context.warn(`warning: ${SOFTWARE_BANNER}`)
        context.note(`ready in ${(ms / 1000).toFixed(1)} s at ${running.relay}`)
      })
    }
    const { running, isUnchanged, readyMs } = await deployLocally(context, prepared)
    context.warn(`warning: ${SOFTWARE_BANNER}`)
    if (context.global.json) return context.json({ isUnchanged, ...running, ...(readyMs && { readyMs }) })
    const { name, digest, app } = running.deployment!
    context.out(isUnchanged ? `${name} runs already, unchanged` : `${name} runs, verified`)
    context.out(`  deployment ${digest}`)
    if (app) context.out(`  app        ${app.sha256}`)
    context.out(`  relay      ${running.relay}`)
    context.out(`  policy     ${relative(context.io.cwd, running.policy)}`)
    if (readyMs !== undefined)
      context.out(`  ready in   ${(readyMs / 1000).toFixed(1)} s, first answer included`)
    context.out(
      app
        ? 'try: sotto proxy --app, sotto verify, sotto status'
        : 'try: sotto chat, sotto verify, sotto status',
    )
    return
  },
})

type Flags = FlagValues<typeof FLAGS>

function requireNone(flags: Flags, names: readonly (keyof typeof FLAGS)[], where: string): void {
  const given = names.find((name) => flags[name] !== undefined && flags[name] !== false)
  if (given !== undefined)
    throw cliError('CLI_USAGE', `--${given} is for the target ${where}`, {
      hint: 'leave it out, or name the target',
    })
}

/** Digest of the deployment before the present one. */
async function before(folder: string): Promise<string> {
  const { entries } = await openSnapshots(folder).history()
  const previous = entries.at(-2)
  if (previous !== undefined) return previous.digest
  throw cliError('DEPLOY_UNKNOWN', 'nothing was deployed here before that', {
    hint: 'sotto stop ends what runs',
  })
}

/** Enclaves are started again by the process that keeps the stack: it holds their keys to this machine's hardware. */
async function restart(context: CommandContext, folder: string): Promise<void> {
  const running = await readRunning(folder)
  if (running === undefined)
    throw cliError('STACK_NOT_RUNNING', 'no deployment runs here', { hint: 'sotto deploy starts it' })
  const had = running.restarts ?? 0
  signalProcess(supervisorOf(running), RESTART_SIGNAL)
  const deadline = Date.now() + RESTART_MS
  for (;;) {
    const now = await readRunning(folder)
    if (now === undefined || Date.now() > deadline)
      throw cliError('STACK_FAILED', 'the enclaves did not start again', { hint: 'sotto logs says why' })
    if ((now.restarts ?? 0) > had) {
      const isMissing = now.roles.some(({ name, ended }) => isEnclave(name) && ended !== undefined)
      if (!isMissing) break
      throw cliError('STACK_FAILED', 'not all enclaves started again', {
        found: troubleOf(now)?.what ?? 'one that ended',
        hint: 'sotto logs says why; sotto deploy starts all of it again',
      })
    }
    context.signal.throwIfAborted()
    await new Promise((done) => setTimeout(done, 100))
  }
  const names = running.roles.map(({ name }) => name).filter(isEnclave)
  if (context.global.json) context.json({ restarted: names })
  else context.out(`started again: ${names.join(', ')}`)
}

const RESTART_MS = 300_000

function isEnclave(role: string): boolean {
  return role.startsWith('inference')
}

function describe(context: CommandContext, { file, digest, code, secrets }: Prepared): void {
  const { app, resources, expiresAt } = file
  if (context.global.json)
    return context.json({
      name: file.name,
      target: 'local',
      digest,
      folder: dirname(file.path),
      ...(code && { app: { sha256: code.sha256, files: code.files } }),
      secrets: secrets ? Object.keys(app!.secrets) : [],
      replicas: resources.replicas,
      ...(expiresAt !== undefined && { expiresAt }),
    })
  context.out(`${file.name}: deployment ${digest}`)
  context.out(`  models     ${file.models?.join(', ') ?? 'all that come with Sotto'}`)
  if (app && code) context.out(`  app        ${code.sha256} (${code.files} files): ${app.command.join(' ')}`)
  if (secrets) context.out(`  secrets    ${Object.keys(app!.secrets).join(', ')}`)
  context.out(`  enclaves   ${resources.replicas}`)
  if (expiresAt !== undefined) context.out(`  expires    ${new Date(expiresAt * 1000).toISOString()}`)
  context.out('nothing was changed')
}
