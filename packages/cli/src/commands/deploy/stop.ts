import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { removeFromCluster } from '../../deploy/cluster/remove.ts'
import { openRecords } from '../../deploy/record/records.ts'
import { cliError } from '../../errors.ts'
import { type Command, defineCommand } from '../../framework/index.ts'
import { readClaim } from '../../stack/claim.ts'
import { readRunning, STATE_FOLDER } from '../../stack/running.ts'
import { stopStack } from '../../stack/stop.ts'
import { FILE_FLAG, folderOf } from './flags.ts'

/** `sotto stop` */
export const stop: Command = defineCommand({
  path: ['stop'],
  summary: 'Stop a deployment, and with --delete forget it',
  description:
    'Its state stays in .sotto/ beside sotto.yaml: sotto deploy goes on with the same KMS. --delete destroys it: keys, ' +
    'sealed models, the log. What a cluster runs is taken away by the same program that --apply used.',
  arguments: [
    { name: 'NAME', summary: 'a deployment of sotto ls (default: of this folder)', required: false },
  ],
  flags: {
    ...FILE_FLAG,
    delete: { type: 'boolean', summary: 'destroy its state too, for good' },
  },
  examples: ['sotto stop', 'sotto stop notes --delete'],
  async run(context, [name], flags) {
    const { folder, record } = await folderOf(context, name, flags.file)
    const state = join(folder, STATE_FOLDER)
    // A folder that was rendered for a cluster last may run here too.
    const runsHere = (await readRunning(state)) ?? (await readClaim(state))
    if (record !== undefined && record.target !== 'local' && runsHere === undefined) {
      await removeFromCluster(context, record)
      await openRecords(context.io).remove(record.name)
      return
    }
    if (flags.delete && !(await context.confirm(`Destroy ${state} with its keys and log, for good?`)))
      throw cliError('CLI_CANCELLED', 'nothing was stopped')
    const stopped = await stopStack(state)
    if (flags.delete) {
      await rm(state, { recursive: true, force: true })
      if (record?.target === 'local') await openRecords(context.io).remove(record.name)
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
