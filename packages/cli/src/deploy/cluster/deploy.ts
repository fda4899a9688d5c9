import { dirname, join, resolve } from 'node:path'
import { toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { cliError } from '../../errors.ts'
import type { CommandContext } from '../../framework/index.ts'
import type { AppRole } from '../../roles/index.ts'
import { readPolicy } from '../../service/index.ts'
import { localDataUse } from '../../stack/documents.ts'
import type { ClusterRole, DeploymentFile, Target } from '../file/index.ts'
import { type AppliedRendering, type DeploymentRecord, openRecords } from '../record/records.ts'
import { placeClusterApp, removeEarlierApp } from './app.ts'
import { prepareHandOver } from './apply.ts'
import { requireNoneLost, requireSameNamespace, rolesLost } from './earlier.ts'
import { report } from './report.ts'
import { type ClusterPlan, planCluster, ROLE_PORT } from './plan.ts'
import { type RenderedFile, writeRendered } from './rendered.ts'
import { aciHost, renderAciFiles } from './aci.ts'
import { renderCompose } from './compose.ts'
import { chartName, renderKubernetes } from './kubernetes.ts'

/** How a deployment in a cluster is asked for. */
export interface ClusterOptions {
  dryRun: boolean
  apply: boolean
  /** Folder of what is rendered, relative to the working directory. Default `.sotto/<target>` beside the file. */
  output: string | undefined
  /** KMS that already runs, as this machine reaches it: an app is sealed for it. Default: the one of the time before. */
  kms: string | undefined
  /** The log, as this machine reaches it. Default: the one of the time before. */
  log: string | undefined
  /** Folder of image layouts, for ACI: its policies name their layers. */
  images: string | undefined
}

/** A target that is no laptop. */
export type ClusterTarget = Exclude<Target, 'local'>

/**
 * Renders a deployment for a cluster, and hands it over where that is asked for. Rendering is the same bytes each time, so
 * that a deployment that was applied by half is simply applied again.
 */
export async function deployToCluster(
  context: CommandContext,
  file: DeploymentFile,
  target: ClusterTarget,
  options: ClusterOptions,
): Promise<void> {
  if (target === 'aci' && options.apply && options.images === undefined)
    throw cliError('CLI_USAGE', '--apply needs --images: templates name the layers of images')
  const folder = dirname(file.path)
  const output =
    options.output === undefined ? join(folder, '.sotto', target) : resolve(context.io.cwd, options.output)
  const records = openRecords(context.io)
  await records.require(file.name, folder)
  const record = await records.find(file.name, target)
  const kms = addressGiven('kms', options.kms) ?? record?.kms
  const log = addressGiven('log', options.log) ?? record?.log
  const now = Math.floor(context.io.now() / 1000)
  const policy = file.policy === undefined ? undefined : await readPolicy(file.policy)
  const planWith = (app: AppRole | undefined): ClusterPlan =>
    planCluster({
      file,
      policy,
      dataUse: localDataUse(undefined),
      app,
      kmsUrls: target === 'kubernetes' ? kmsReplicas(file) : undefined,
      appFiles: app && join(output, 'app'),
      keepsFiles: target !== 'aci',
      reach: (role) => addressOf(target, file, role),
    })
  // What the file lacks is said before anything is sealed or written.
  planWith(undefined)
  const app = await placeClusterApp(context, file, output, { dryRun: options.dryRun, kms, log })
  const plan = planWith(app)
  const files = await render(plan, target, options.images)
  const lost = await rolesLost(plan, output, record?.applied)
  if (options.apply) {
    requireNoneLost(lost, plan, output)
    requireSameNamespace(plan, target, record?.applied)
  }
  if (!options.dryRun) {
    await writeRendered(output, files)
    await removeEarlierApp(output, plan.app)
    const rendered: DeploymentRecord = {
      name: file.name,
      target,
      folder,
      digest: digestOf(plan),
      deployedAt: now,
      output,
      ...(target === 'kubernetes' && { namespace: plan.cluster.namespace }),
      ...(file.expiresAt !== undefined && { expiresAt: file.expiresAt }),
      ...(kms !== undefined && { kms }),
      ...(log !== undefined && { log }),
      ...(record?.applied && { applied: record.applied }),
    }
    await records.put(rendered)
    if (options.apply) {
      const handOver = await prepareHandOver(context, plan, target, output)
      // Written down first: what fails half way is there by half.
      await records.put({ ...rendered, applied: appliedOf(plan, rendered, now, output) })
      await handOver()
    }
  }
  report(context, plan, target, output, files, options, lost)
}

function appliedOf(
  { roles }: ClusterPlan,
  { namespace }: DeploymentRecord,
  at: number,
  output: string,
): AppliedRendering {
  return {
    at,
    output,
    ...(namespace !== undefined && { namespace }),
    roles: roles.map(({ name }) => name),
  }
}

/** No address with a user, a query or a fragment: it is written down. */
const ADDRESS = /^https?:\/\/[^\s/?#@]+(?:\/[^\s?#@]*)?$/

function addressGiven(flag: 'kms' | 'log', value: string | undefined): string | undefined {
  if (value === undefined || (ADDRESS.test(value) && URL.canParse(value))) return value
  throw cliError('CLI_USAGE', `--${flag} is no address`, { expected: 'https://NAME, perhaps with a path' })
}

/** Addresses of the replicas of a KMS in Kubernetes, where there are several: only one serves at a time. */
function kmsReplicas({ name, cluster }: DeploymentFile): string[] | undefined {
  const count = cluster?.kmsReplicas ?? 1
  if (count === 1 || cluster?.addresses.kms !== undefined) return undefined
  return Array.from({ length: count }, (_, n) => `http://${name}-kms-${n}.${name}-kms-pods:${ROLE_PORT}`)
}

/** SHA-256 of what is to run: images and configurations. */
function digestOf({ name, roles }: ClusterPlan): string {
  const identity = [name, ...roles.map((role) => `${role.name} ${role.image} ${role.configDigest}`)]
  return toHex(crypto.sha256(utf8(identity.join('\n'))))
}

/** Where roles reach a role: where the file says, else where the target puts it. @throws `DEPLOY_FILE` where neither says */
function addressOf(
  target: ClusterTarget,
  { name, cluster, path }: DeploymentFile,
  role: ClusterRole,
): string {
  const address = cluster?.addresses[role]
  if (address !== undefined) return address
  if (target === 'kubernetes') return `http://${name}-${chartName(role)}:${ROLE_PORT}`
  if (target === 'aci' && cluster?.region !== undefined && (role === 'kms' || role === 'inference'))
    return `http://${aciHost(name, role, cluster.region)}:${ROLE_PORT}`
  throw cliError('DEPLOY_FILE', `${path} does not say where the role ${role} is reached`, {
    expected: `cluster.addresses.${role}${target === 'aci' ? ', and cluster.region' : ''}`,
    hint: 'roles are on machines of their own there',
  })
}

async function render(
  plan: ClusterPlan,
  target: ClusterTarget,
  images: string | undefined,
): Promise<RenderedFile[]> {
  if (target === 'compose') return renderCompose(plan)
  return target === 'kubernetes' ? renderKubernetes(plan) : renderAciFiles(plan, images)
}
