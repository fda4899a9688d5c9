import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { writeWhole } from '@sotto/client/node'
import { type ConfigWorld, stateDirectory } from '../../config/index.ts'
import { cliError } from '../../errors.ts'
import { type Target, TARGETS } from '../file/index.ts'

/** A deployment of this user, wherever its folder is. */
export interface DeploymentRecord {
  name: string
  target: Target
  /** Folder of its `sotto.yaml`, absolute. */
  folder: string
  /** Digest of what was deployed last. */
  digest: string
  /** Unix seconds. */
  deployedAt: number
  expiresAt?: number
  /** Clusters: folder of what was rendered, absolute. */
  output?: string
  /** Kubernetes only. */
  namespace?: string
}

const NAME = /^[a-z][a-z0-9-]{0,62}$/

/** The deployments of this user. */
export interface Records {
  list(): Promise<DeploymentRecord[]>
  /** @throws `DEPLOY_UNKNOWN` (fix-input) with the names there are */
  get(name: string): Promise<DeploymentRecord>
  /** @throws `DEPLOY_NAME` (fix-input) where another folder has a deployment of this name */
  require(name: string, folder: string): Promise<void>
  /** Writes it. A folder runs one deployment on this machine: the name it had there before is free again. */
  put(record: DeploymentRecord): Promise<void>
  remove(name: string): Promise<void>
}

/** Opens them: small files below the user's state folder, without any secret. */
export function openRecords(world: ConfigWorld): Records {
  const root = join(stateDirectory(world), 'deployments')
  const fileOf = (name: string): string => join(root, `${name}.json`)

  async function read(name: string): Promise<DeploymentRecord | undefined> {
    if (!NAME.test(name)) return undefined
    const text = await readFile(fileOf(name), 'utf8').catch(() => undefined)
    try {
      const record: unknown = JSON.parse(text ?? 'null')
      return isRecord(record) && record.name === name ? record : undefined
    } catch {
      return undefined
    }
  }

  async function list(): Promise<DeploymentRecord[]> {
    const files = await readdir(root).catch(() => [])
    const names = files.flatMap((file) => (file.endsWith('.json') ? [file.slice(0, -'.json'.length)] : []))
    const records = await Promise.all(names.sort().map(read))
    return records.filter((record) => record !== undefined)
  }

  return {
    list,
    async get(name) {
      const record = await read(name)
      if (record !== undefined) return record
      const names = (await list()).map((one) => one.name)
      throw cliError('DEPLOY_UNKNOWN', `there is no deployment ${JSON.stringify(name.slice(0, 63))}`, {
        expected: names.join(', ') || 'none yet',
        hint: names.length === 0 ? 'sotto init begins one' : 'sotto ls shows them',
      })
    },
    async require(name, folder) {
      const record = await read(name)
      if (record === undefined || record.folder === folder) return
      throw cliError('DEPLOY_NAME', `the name ${name} is taken by a deployment of another folder`, {
        found: record.folder,
        hint: `choose another name in sotto.yaml, or end that one: sotto stop ${name} --delete`,
      })
    },
    async put(record) {
      await mkdir(root, { recursive: true, mode: 0o700 })
      await writeWhole(fileOf(record.name), JSON.stringify(record))
      if (record.target !== 'local') return
      for (const { name, target, folder } of await list())
        if (name !== record.name && target === 'local' && folder === record.folder)
          await rm(fileOf(name), { force: true })
    },
    async remove(name) {
      await rm(fileOf(name), { force: true })
    },
  }
}

/** A file of one that cannot be made out counts as none: its folder still has all that there is. */
function isRecord(value: unknown): value is DeploymentRecord {
  const record = (value ?? {}) as Partial<Record<keyof DeploymentRecord, unknown>>
  const { target, folder, output, expiresAt, namespace } = record
  return (
    typeof record.name === 'string' &&
    typeof record.digest === 'string' &&
    Number.isSafeInteger(record.deployedAt) &&
    TARGETS.some((one) => one === target) &&
    isAbsolutePath(folder) &&
    (output === undefined || isAbsolutePath(output)) &&
    (namespace === undefined || typeof namespace === 'string') &&
    (expiresAt === undefined || Number.isSafeInteger(expiresAt))
  )
}

function isAbsolutePath(path: unknown): boolean {
  return typeof path === 'string' && isAbsolute(path) && !path.includes('\0')
}
