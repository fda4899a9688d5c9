import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { writeWhole } from '@sotto/client/node'
import { type ConfigWorld, stateDirectory } from '../../config/index.ts'
import { cliError } from '../../errors.ts'
import { type Target, TARGETS } from '../file/index.ts'

/** A deployment of this user at one target, wherever its folder is. One that is at several targets has a record of each. */
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
  /** Clusters: the KMS that an app is sealed for, and its log, as this machine reaches them. */
  kms?: string
  log?: string
  /** Clusters: what was handed over last. What is rendered later and not handed over leaves it as it is. */
  applied?: AppliedRendering
}

/** What `--apply` handed over. */
export interface AppliedRendering {
  /** Unix seconds. */
  at: number
  /** Folder of what was rendered, absolute. */
  output: string
  /** Kubernetes only. */
  namespace?: string
  roles: string[]
}

const NAME = /^[a-z][a-z0-9-]{0,62}$/

/** The deployments of this user. */
export interface Records {
  /** All of them, by name and then by target. */
  list(): Promise<DeploymentRecord[]>
  /**
   * Those of a name: one for each target.
   * @throws `DEPLOY_UNKNOWN` (fix-input) with the names there are
   */
  of(name: string): Promise<DeploymentRecord[]>
  find(name: string, target: Target): Promise<DeploymentRecord | undefined>
  /** @throws `DEPLOY_NAME` (fix-input) where another folder has a deployment of this name */
  require(name: string, folder: string): Promise<void>
  /** Writes it. A folder runs one deployment on this machine: the name it had there before is free again. */
  put(record: DeploymentRecord): Promise<void>
  remove(record: Pick<DeploymentRecord, 'name' | 'target'>): Promise<void>
}

/** Opens them: small files below the user's state folder, without any secret. */
export function openRecords(world: ConfigWorld): Records {
  const root = join(stateDirectory(world), 'deployments')
  const fileOf = ({ name, target }: Pick<DeploymentRecord, 'name' | 'target'>): string =>
    join(root, target === 'local' ? `${name}.json` : `${name}.${target}.json`)

  async function find(name: string, target: Target): Promise<DeploymentRecord | undefined> {
    if (!NAME.test(name)) return undefined
    const text = await readFile(fileOf({ name, target }), 'utf8').catch(() => undefined)
    try {
      const record: unknown = JSON.parse(text ?? 'null')
      return isRecord(record) && record.name === name && record.target === target ? record : undefined
    } catch {
      return undefined
    }
  }

  async function allOf(name: string): Promise<DeploymentRecord[]> {
    const records = await Promise.all(TARGETS.map((target) => find(name, target)))
    return records.filter((record) => record !== undefined)
  }

  async function list(): Promise<DeploymentRecord[]> {
    const files = await readdir(root).catch(() => [])
    const names = new Set(files.map((file) => file.split('.')[0]!))
    return (await Promise.all([...names].sort().map(allOf))).flat()
  }

  return {
    list,
    find,
    async of(name) {
      const records = await allOf(name)
      if (records.length > 0) return records
      const names = [...new Set((await list()).map((one) => one.name))]
      throw cliError('DEPLOY_UNKNOWN', `there is no deployment ${JSON.stringify(name.slice(0, 63))}`, {
        expected: names.join(', ') || 'none yet',
        hint: names.length === 0 ? 'sotto init begins one' : 'sotto ls shows them',
      })
    },
    async require(name, folder) {
      const other = (await allOf(name)).find((record) => record.folder !== folder)
      if (other === undefined) return
      const end = other.target === 'local' ? '--delete' : `--target ${other.target}`
      throw cliError('DEPLOY_NAME', `the name ${name} is taken by a deployment of another folder`, {
        found: other.folder,
        hint: `choose another name in sotto.yaml, or end that one: sotto stop ${name} ${end}`,
      })
    },
    async put(record) {
      await mkdir(root, { recursive: true, mode: 0o700 })
      await writeWhole(fileOf(record), JSON.stringify(record))
      if (record.target !== 'local') return
      for (const one of await list())
        if (one.name !== record.name && one.target === 'local' && one.folder === record.folder)
          await rm(fileOf(one), { force: true })
    },
    async remove(record) {
      await rm(fileOf(record), { force: true })
    },
  }
}

/** A file of one that cannot be made out counts as none: its folder still has all that there is. */
function isRecord(value: unknown): value is DeploymentRecord {
  const record = (value ?? {}) as Partial<Record<keyof DeploymentRecord, unknown>>
  const { target, folder, output, expiresAt, namespace, kms, log, applied } = record
  return (
    typeof record.name === 'string' &&
    typeof record.digest === 'string' &&
    Number.isSafeInteger(record.deployedAt) &&
    TARGETS.some((one) => one === target) &&
    isAbsolutePath(folder) &&
    (output === undefined || isAbsolutePath(output)) &&
    [namespace, kms, log].every((one) => one === undefined || typeof one === 'string') &&
    (expiresAt === undefined || Number.isSafeInteger(expiresAt)) &&
    (applied === undefined || isApplied(applied))
  )
}

function isApplied(value: unknown): value is AppliedRendering {
  const { at, output, namespace, roles } = (value ?? {}) as Partial<Record<keyof AppliedRendering, unknown>>
  return (
    Number.isSafeInteger(at) &&
    isAbsolutePath(output) &&
    (namespace === undefined || typeof namespace === 'string') &&
    Array.isArray(roles) &&
    roles.every((role) => typeof role === 'string')
  )
}

function isAbsolutePath(path: unknown): boolean {
  return typeof path === 'string' && isAbsolute(path) && !path.includes('\0')
}
