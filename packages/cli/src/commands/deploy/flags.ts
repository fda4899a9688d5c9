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
  record: DeploymentRecord | undefined
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
  const records = openRecords(context.io)
  if (name !== undefined) {
    if (file !== undefined)
      throw cliError('CLI_USAGE', 'NAME and --file both say which deployment', {
        hint: 'leave one of them out',
      })
    const record = await records.get(name)
    return { folder: record.folder, record }
  }
  const path = await deploymentPath(resolve(context.io.cwd, file ?? '.'))
  const folder = dirname(path)
  const record = (await records.list()).find((one) => one.folder === folder)
  const hasState = await stat(join(folder, STATE_FOLDER)).then(
    () => true,
    () => false,
  )
  if (record === undefined && !hasState) await readDeploymentFile(path)
  return { folder, record }
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
  const { folder, record } = found
  const isHere = await stat(join(folder, STATE_FOLDER, 'run')).then(
    () => true,
    () => false,
  )
  if (record === undefined || record.target === 'local' || isHere) return found
  throw cliError('DEPLOY_TARGET', `${record.name} is for ${record.target}, which is not seen from here`, {
    hint: ELSEWHERE[record.target]!,
  })
}
