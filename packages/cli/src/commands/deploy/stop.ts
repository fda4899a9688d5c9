import { readdir, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { removeFromCluster } from '../../deploy/cluster/remove.ts'
import { type Target, TARGETS } from '../../deploy/file/index.ts'
import { stopInTurn } from '../../deploy/local/turns.ts'
import { type DeploymentRecord, openRecords } from '../../deploy/record/records.ts'
import { cliError } from '../../errors.ts'
import { type Command, defineCommand } from '../../framework/index.ts'
import { readClaim } from '../../stack/claim.ts'
import { readRunning, STATE_FOLDER } from '../../stack/running.ts'
import { type DeploymentFolder, describePlaces, FILE_FLAG, folderOf, hasRun, isInCluster } from './flags.ts'

/** `sotto stop` */
export const stop: Command = defineCommand({
  path: ['stop'],
  summary: 'Stop a deployment, and with --delete forget it',
  description:
    'Its state stays in .sotto/ beside sotto.yaml: sotto deploy goes on with the same KMS. --delete destroys it: keys, ' +
    'sealed models, the log. What a cluster runs is taken away by the same program that --apply used. Without --target ' +
    'what runs here is meant, else the one cluster that there is.',
  arguments: [
    { name: 'NAME', summary: 'a deployment of sotto ls (default: of this folder)', required: false },
  ],
  flags: {
    ...FILE_FLAG,
    target: {
      type: 'string',
      short: 't',
      value: 'TARGET',
      choices: TARGETS,
      summary: 'which one, where it is at several',
    },
    delete: { type: 'boolean', summary: 'destroy its state too, for good' },
  },
  examples: ['sotto stop', 'sotto stop notes --delete', 'sotto stop notes --target kubernetes'],
  async run(context, [name], flags) {
    const found = await folderOf(context, name, flags.file)
    const { folder, records } = found
    const state = join(folder, STATE_FOLDER)
    const inCluster = await clusterToStop(found, flags.target, flags.delete)
    if (inCluster !== undefined) {
      if (flags.delete)
        throw cliError(
          'CLI_USAGE',
          `--delete destroys what this machine keeps, and ${inCluster.name} is in ${inCluster.target}`,
          {
            hint: 'leave it out; the volumes of a cluster are deleted there, by their operator',
          },
        )
      await removeFromCluster(context, inCluster)
      await openRecords(context.io).remove(inCluster)
      return
    }
    if (flags.delete && !(await context.confirm(`Destroy ${state} with its keys and log, for good?`)))
      throw cliError('CLI_CANCELLED', 'nothing was stopped')
    const stopped = await stopInTurn(state, flags.delete ? () => destroy(state) : undefined)
    if (flags.delete) {
      const local = records.find((record) => !isInCluster(record))
      if (local !== undefined) await openRecords(context.io).remove(local)
    } else if (stopped === undefined)
      throw cliError('STACK_NOT_RUNNING', `no deployment runs in ${folder}`, {
        hint: 'sotto deploy starts it',
      })
    if (context.global.json)
      return context.json({ stopped: stopped?.roles ?? [], deleted: flags.delete, folder })
    if (stopped)
      context.out(
        `stopped ${stopped.roles.join(', ') || `what was starting (process ${stopped.supervisor})`}`,
      )
    if (flags.delete) context.out(`destroyed ${state}`)
    return
  },
})

/**
 * Which of the clusters is meant; undefined where this machine is.
 * @throws `DEPLOY_UNKNOWN` nothing is there, `CLI_USAGE` it is at several
 */
async function clusterToStop(
  { folder, records }: DeploymentFolder,
  target: Target | undefined,
  isToDelete: boolean,
): Promise<DeploymentRecord | undefined> {
  if (target === 'local') return undefined
  const clusters = records.filter(
    (one) => isInCluster(one) && (target === undefined || one.target === target),
  )
  if (target === undefined) {
    const state = join(folder, STATE_FOLDER)
    if ((await readRunning(state)) ?? (await readClaim(state))) return undefined
    const isKeptHere = clusters.length < records.length || (await hasRun(folder))
    if (clusters.length === 0 || (isToDelete && isKeptHere)) return undefined
  }
  const [only, ...others] = clusters
  if (only === undefined)
    throw cliError('DEPLOY_UNKNOWN', `nothing in ${folder} was deployed to ${target!}`, {
      expected: records.map((one) => one.target).join(', ') || 'none yet',
      hint: 'sotto ls shows what is where',
    })
  if (others.length === 0) return only
  throw cliError('CLI_USAGE', 'it is at several places, and nothing says which one is to stop', {
    found: describePlaces(clusters),
    hint: `name it: sotto stop ${only.name} --target ${only.target}`,
  })
}

/** All that a stack keeps. What was rendered for clusters lies there too, with files of its operator: that stays. */
async function destroy(state: string): Promise<void> {
  const names = await readdir(state).catch(() => [])
  const own = names.filter((name) => !TARGETS.some((target) => target === name))
  for (const name of own) await rm(join(state, name), { recursive: true, force: true })
  if (own.length === names.length) await rmdir(state).catch(() => undefined)
}
