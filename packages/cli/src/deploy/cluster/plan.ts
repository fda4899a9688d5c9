import { fromUtf8, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { DataUse } from '@sotto/protocol/data-use'
import { uploadLimits } from '@sotto/protocol/sizes'
import { encodeTrustPolicy, type TrustPolicy } from '@sotto/verifier'
import {
  type AppRole,
  encodeRoleConfig,
  inferenceConfig,
  kmsConfig,
  logConfig,
  type LogPins,
  registryConfig,
  relayConfig,
  type RoleConfig,
} from '../../roles/index.ts'
import { cliError } from '../../errors.ts'
import type { ClusterRole, ClusterSection, DeploymentFile } from '../file/index.ts'
import { requireFit } from './fit.ts'

/** Ports roles listen at, each in a container of its own. */
export const ROLE_PORT = 8080
export const METRICS_PORT = 9090

/** Folders in a container. */
export const OWNERS_IN_CONTAINER = '/etc/sotto-owners/owners.json'
export const STATE_IN_CONTAINER = '/var/lib/sotto'

/** One role as every target runs it. */
export interface PlannedRole {
  name: ClusterRole
  image: string
  /** Runs in a TEE, and its configuration is measured. */
  isMeasured: boolean
  replicas: number
  /** The very bytes of its configuration file. */
  config: string
  /** SHA-256 of them: HOST_DATA or MRCONFIGID, where the hardware has a field for it. */
  configDigest: string
  /** Folder on this machine with the files of its own app. */
  appFiles?: string
  /** Whether it keeps something that has to survive. */
  keepsState: boolean
  /** Environment variables whose values are secrets, by what they are called in the cluster. */
  secretEnv: Readonly<Record<string, 'appendToken' | 'postgres'>>
}

/** What is to run, and where it stands. */
export interface ClusterPlan {
  name: string
  cluster: ClusterSection
  resources: DeploymentFile['resources']
  roles: PlannedRole[]
  /** The own app with its files, once they are sealed. */
  app: AppRole | undefined
  /** Trust policy as JSON text, once there is one. */
  policy: string | undefined
  /** What is missing for the rest; empty when it is whole. */
  waitsFor: string[]
}

/** What a plan is made of. */
export interface PlanInput {
  file: DeploymentFile
  /** Trust policy of the KMS, once it runs: without it there is no enclave, for it would trust nobody. */
  policy: TrustPolicy | undefined
  dataUse: DataUse
  /** The own app with its files, once they are sealed. */
  app: AppRole | undefined
  /** Replicas of the KMS, where each has an address. */
  kmsUrls?: readonly string[] | undefined
  /** Folder on this machine with the app's files. */
  appFiles?: string | undefined
  /** Whether what a role writes outlives its container. Default true. */
  keepsFiles?: boolean
  /** Address at which roles reach a role. */
  reach: (role: ClusterRole) => string
}

/**
 * Plans a deployment in a cluster: the same configuration that the target `local` runs, but for addresses and stores. The
 * KMS begins; what pins it follows once there is a policy that names its genesis.
 * @throws `DEPLOY_FILE` (fix-input) where the file does not say what a cluster needs
 */
export function planCluster(input: PlanInput): ClusterPlan {
  const { file, policy, reach } = input
  const { cluster, resources, name } = file
  if (cluster === undefined)
    throw cliError('DEPLOY_FILE', `${file.path} says nothing about a cluster`, {
      expected: 'cluster: images, tee, members, threshold, releaseKeys, root, log, relayHost',
      hint: 'docs/deploy.md has an example',
    })
  requireFit(file, cluster, input.keepsFiles ?? true)
  const log: LogPins = {
    origin: cluster.log.origin,
    key: cluster.log.key,
    witnesses: { keys: cluster.log.witnesses.map(({ key }) => key), quorum: cluster.log.quorum },
  }
  const logUrl = reach('log')
  const listen = { host: '0.0.0.0', port: ROLE_PORT }
  const metrics = { host: '0.0.0.0', port: METRICS_PORT }
  const uploads = uploadLimits(undefined)
  const isShared = cluster.secrets.postgres !== undefined
  const role = (roleName: ClusterRole, config: RoleConfig, more: Partial<PlannedRole> = {}): PlannedRole => {
    const text = encodeRoleConfig(config)
    const isMeasured = roleName === 'kms' || roleName === 'inference'
    return {
      name: roleName,
      image: isMeasured ? cluster.images[roleName] : cluster.images.edge,
      isMeasured,
      replicas: 1,
      config: text,
      configDigest: toHex(crypto.sha256(utf8(text))),
      keepsState: false,
      secretEnv: {},
      ...more,
    }
  }
  const appends = { SOTTO_LOG_APPEND_TOKEN: 'appendToken' } as const
  const roles = [
    role(
      'log',
      logConfig({
        origin: log.origin,
        listen,
        store: STATE_IN_CONTAINER,
        witnesses: cluster.log.witnesses,
        quorum: log.witnesses.quorum,
      }),
      { keepsState: true, secretEnv: appends },
    ),
    role(
      'kms',
      kmsConfig({
        name,
        listen,
        metrics,
        store: isShared ? { postgres: { name } } : STATE_IN_CONTAINER,
        root: cluster.root,
        logUrl,
        log,
        founders: {
          members: Object.entries(cluster.members).map(([member, key]) => ({ name: member, key })),
          threshold: cluster.threshold,
          releaseKeys: cluster.releaseKeys,
        },
      }),
      {
        replicas: cluster.kmsReplicas,
        keepsState: !isShared || cluster.root['folder'] !== undefined,
        secretEnv: { ...appends, ...(isShared && { SOTTO_KMS_DATABASE_URL: 'postgres' as const }) },
      },
    ),
  ]
  const unfinished = { name, cluster, resources, roles, app: undefined, policy: undefined }
  if (policy === undefined)
    return {
      ...unfinished,
      waitsFor: ['a trust policy that pins the genesis of this KMS: policy in sotto.yaml'],
    }
  if (file.app !== undefined && input.app === undefined)
    return { ...unfinished, waitsFor: ['the app, sealed for this KMS: --kms URL --log URL'] }
  roles.push(
    role(
      'registry',
      registryConfig({
        listen,
        store: STATE_IN_CONTAINER,
        genesis: policy.genesis,
        owners: OWNERS_IN_CONTAINER,
        logUrl,
        log,
      }),
      { keepsState: true, secretEnv: appends },
    ),
    role(
      'inference',
      inferenceConfig({
        listen,
        metrics,
        kmsUrls: input.kmsUrls ?? [reach('kms')],
        logUrl,
        registryUrl: reach('registry'),
        policy,
        modelsFolder: STATE_IN_CONTAINER,
        models: [],
        pinned: file.models ?? [],
        aliases: file.aliases,
        dataUse: input.dataUse,
        maxUploadBytes: uploads.fileBytes,
        app: input.app,
        expiresAt: file.expiresAt,
      }),
      { replicas: resources.replicas, ...(input.appFiles !== undefined && { appFiles: input.appFiles }) },
    ),
    role(
      'relay',
      relayConfig({
        listen,
        gateway: 'inference',
        enclaves: [reach('inference')],
        logUrl,
        browserOrigins: [],
        requestBytes: uploads.messageBytes,
      }),
    ),
  )
  return {
    name,
    cluster,
    resources,
    roles,
    app: input.app,
    policy: fromUtf8(encodeTrustPolicy(policy)),
    waitsFor: [],
  }
}
