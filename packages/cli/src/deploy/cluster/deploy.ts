import { mkdir, readdir, rm } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { cliError } from '../../errors.ts'
import { APP_IN_CONTAINER } from '../../oci/index.ts'
import type { CommandContext } from '../../framework/index.ts'
import { openOwner, ownerKeyFile } from '../../owner/index.ts'
import type { AppRole } from '../../roles/index.ts'
import { readPolicy } from '../../service/index.ts'
import { placeApp } from '../../stack/app.ts'
import { localDataUse } from '../../stack/documents.ts'
import { appOf } from '../local/stack-options.ts'
import type { ClusterRole, DeploymentFile, Target } from '../file/index.ts'
import { prepareDeployment } from '../prepare.ts'
import { openRecords } from '../record/records.ts'
import { applyRendered } from './apply.ts'
import { importKeys } from './import-keys.ts'
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
  /** KMS that already runs, as this machine reaches it: an app is sealed for it. */
  kms: string | undefined
  /** The log, as this machine reaches it. */
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
  const folder = dirname(file.path)
  const output =
    options.output === undefined ? join(folder, '.sotto', target) : resolve(context.io.cwd, options.output)
  const records = openRecords(context.io)
  await records.require(file.name, folder)
  const now = Math.floor(context.io.now() / 1000)
  const policy = file.policy === undefined ? undefined : await readPolicy(file.policy)
  const app = await placeClusterApp(context, file, output, options)
  const plan = planCluster({
    file,
    policy,
    dataUse: localDataUse(undefined),
    app,
    kmsUrls: target === 'kubernetes' ? kmsReplicas(file) : undefined,
    appFiles: app && join(output, 'app'),
    reach: (role) => addressOf(target, file, role),
  })
  const files = await render(plan, target, options.images)
  if (!options.dryRun) {
    await writeRendered(output, files)
    await records.put({
      name: file.name,
      target,
      folder,
      digest: digestOf(plan),
      deployedAt: now,
      output,
      ...(target === 'kubernetes' && { namespace: plan.cluster.namespace }),
      ...(file.expiresAt !== undefined && { expiresAt: file.expiresAt }),
    })
    if (options.apply) await applyRendered(context, plan, target, output)
  }
  report(context, plan, target, output, files, options)
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

/** Seals the app for a KMS that runs, and gives it the keys. Undefined where there is no app, or no KMS yet. */
async function placeClusterApp(
  context: CommandContext,
  file: DeploymentFile,
  output: string,
  options: ClusterOptions,
): Promise<AppRole | undefined> {
  if (file.app === undefined) return undefined
  const prepared = await prepareDeployment(
    // Models of a cluster are their owners': nothing here has them.
    { ...file, models: [] },
    { env: context.io.env, now: Math.floor(context.io.now() / 1000), secretsKey: new Uint8Array(32) },
  )
  const needsKeys = file.app.sealed || prepared.secrets !== undefined
  if (needsKeys && (options.kms === undefined || options.log === undefined || file.policy === undefined))
    return undefined
  if (options.dryRun)
    throw cliError('CLI_USAGE', 'an app is packed, and sealed with keys for the KMS, which is no dry run', {
      hint: 'leave out --dry-run: what is rendered runs nowhere without --apply',
    })
  const target = join(output, 'app')
  await mkdir(target, { recursive: true, mode: 0o755 })
  // What an earlier run sealed has other keys.
  for (const old of await readdir(target)) if (/\.(?:tar|sealed)$/.test(old)) await rm(join(target, old))
  const placed = await placeApp(appOf(prepared)!, target)
  if (placed.sealed.length > 0) {
    const { owner } = await openOwner(ownerKeyFile(context.io, undefined))
    await importKeys({
      kmsUrl: options.kms!,
      logUrl: options.log!,
      policy: await readPolicy(file.policy!),
      contents: placed.sealed,
      owner,
      now: Math.floor(context.io.now() / 1000),
    })
  }
  return { ...placed.role, directory: APP_IN_CONTAINER }
}

function report(
  context: CommandContext,
  plan: ClusterPlan,
  target: ClusterTarget,
  output: string,
  files: readonly RenderedFile[],
  options: ClusterOptions,
): void {
  const { roles, waitsFor, name } = plan
  const applied = options.apply && !options.dryRun
  if (context.global.json)
    return context.json({
      name,
      target,
      output,
      files: files.map(({ path }) => path),
      roles: roles.map(({ name: role, image, configDigest, isMeasured }) => ({
        role,
        image,
        configDigest,
        isMeasured,
      })),
      waitsFor,
      applied,
    })
  context.out(
    `${name} for ${target}${options.dryRun ? ', nothing was written' : ` in ${relative(context.io.cwd, output) || '.'}`}`,
  )
  for (const { path } of files) context.out(`  ${path}`)
  context.out('what hardware has to report of the configuration:')
  for (const { name: role, configDigest, isMeasured } of roles)
    if (isMeasured) context.out(`  ${role.padEnd(10)} ${configDigest}`)
  for (const missing of waitsFor) context.warn(`the enclave is not in it yet: it waits for ${missing}`)
  if (!applied) context.note(`hand it over with --apply, or yourself: ${handOver(target, name)}`)
}

function handOver(target: ClusterTarget, name: string): string {
  return {
    compose: 'docker compose --profile edge up -d (kms and enclave on their own machines)',
    kubernetes: `helm upgrade --install ${name} charts/sotto -f values.yaml --set-file ROLE.config=config/ROLE.json for each role`,
    aci: 'az deployment group create --template-file kms.template.json, then inference.template.json',
  }[target]
}
