import { dirname, join, resolve } from 'node:path'
import { stat } from 'node:fs/promises'
import { type DeploymentFile, deploymentPath, readDeploymentFile } from '../../deploy/file/index.ts'
import { type DeploymentRecord, openRecords } from '../../deploy/record/records.ts'
import { cliError } from '../../errors.ts'
import type { CommandContext } from '../../framework/index.ts'
import { STATE_FOLDER } from '../../stack/running.ts'

/** Which deployment a command is about. */
export const FILE_FLAG = {
  file: {
    type: 'string',
    short: 'f',
    value: 'FILE',
    summary: 'sotto.yaml, or the folder it lies in (default: this folder)',
  },
} as const

/** Where to look for what a cluster runs. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  compose: 'docker compose ps and docker compose logs show it',
  kubernetes: 'kubectl get pods and kubectl logs show it',
  aci: 'az container show and az container logs show it',
}

/** The deployment of a file, of the working directory where none is named. */
export function readNamedFile(context: CommandContext, file: string | undefined): Promise<DeploymentFile> {
  return readDeploymentFile(resolve(context.io.cwd, file ?? '.'))
}

/** Where a deployment is, and what is known of it. */
export interface DeploymentFolder {
  folder: string
  /** One for each target, and for each name that the folder has had in clusters. */
  records: DeploymentRecord[]
}

/**
 * The folder of a deployment that is known by name, else of the file that is named, else the working directory. What runs from a
 * folder is found whatever its file has become meanwhile.
 * @throws `DEPLOY_UNKNOWN`, `DEPLOY_FILE`, `CLI_USAGE` (fix-input)
 */
export async function folderOf(
  context: CommandContext,
  name: string | undefined,
  file: string | undefined,
): Promise<DeploymentFolder> {
  const known = openRecords(context.io)
  if (name !== undefined) {
    if (file !== undefined)
      throw cliError('CLI_USAGE', 'NAME and --file both say which deployment', {
        hint: 'leave one of them out',
      })
    const records = await known.of(name)
    return { folder: records[0]!.folder, records }
  }
  const path = await deploymentPath(resolve(context.io.cwd, file ?? '.'))
  const folder = dirname(path)
  const records = (await known.list()).filter((one) => one.folder === folder)
  if (records.length === 0 && !(await isThere(join(folder, STATE_FOLDER)))) await readDeploymentFile(path)
  return { folder, records }
}

/**
 * As {@link folderOf}, of a deployment on this machine.
 * @throws `DEPLOY_TARGET` for one in a cluster, which only the cluster knows
 */
export async function localFolderOf(
  context: CommandContext,
  name: string | undefined,
  file: string | undefined,
): Promise<DeploymentFolder> {
  const found = await folderOf(context, name, file)
  const { folder, records } = found
  const inClusters = records.filter(isInCluster)
  if (inClusters.length === 0 || inClusters.length < records.length || (await hasRun(folder))) return found
  const where = inClusters.map(({ target }) => target)
  throw cliError(
    'DEPLOY_TARGET',
    `${inClusters[0]!.name} is for ${where.join(' and ')}, not seen from here`,
    {
      hint: where.map((target) => ELSEWHERE[target]).join('; '),
    },
  )
}

/** Whether a stack has ever run in a folder. */
export function hasRun(folder: string): Promise<boolean> {
  return isThere(join(folder, STATE_FOLDER, 'run'))
}

export function isInCluster({ target }: DeploymentRecord): boolean {
  return target !== 'local'
}

/** Records in words: which name, where, and whether it was handed over. */
export function describePlaces(records: readonly DeploymentRecord[]): string {
  return records
    .map(({ name, target, applied }) => `${name} in ${target} (${applied ? 'applied' : 'rendered'})`)
    .join(', ')
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
