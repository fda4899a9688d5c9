import { join } from 'node:path'
import { cliError } from '../../errors.ts'
import type { CommandContext } from '../../framework/index.ts'
import type { DeploymentRecord } from '../record/records.ts'
import { removeApplied } from './apply.ts'

/**
 * Takes away what a cluster runs of a deployment. Volumes, and with them the log and the sealed state of the KMS, stay:
 * nobody but their operator deletes those.
 */
export async function removeFromCluster(context: CommandContext, record: DeploymentRecord): Promise<void> {
  const { name, target, folder, applied } = record
  if (target === 'local') throw new TypeError('a local deployment is no cluster')
  if (!(await context.confirm(`Take ${name} away from ${target}?`)))
    throw cliError('CLI_CANCELLED', 'nothing was stopped')
  // Where it was handed over by hand, it is what was rendered last.
  const { output = join(folder, '.sotto', target), namespace } = applied ?? record
  await removeApplied(context, { name, target, output, namespace })
  if (context.global.json) context.json({ stopped: [name], target })
  else context.out(`${name} is gone from ${target}; its volumes are still there`)
}
