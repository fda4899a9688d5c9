import { stringify } from 'yaml'
import { cliError } from '../../errors.ts'
import type { ClusterRole, ClusterSection } from '../file/index.ts'
import { configFiles, OWNERS } from './compose.ts'
import type { ClusterPlan, PlannedRole } from './plan.ts'
import type { RenderedFile } from './rendered.ts'

const POLICY_FILE = 'policy.json'

/**
 * Kubernetes puts the name of a StatefulSet, a hyphen and up to ten characters into a label of its pods, which takes 63: the
 * longest of ours ends in `-registry`.
 */
const MAX_NAME = 43

/** Who asks whom, as network policies let them. */
const ASKS: Readonly<Record<ClusterRole, readonly ClusterRole[]>> = {
  log: [],
  kms: ['log'],
  registry: ['log'],
  inference: ['kms', 'log', 'registry'],
  relay: ['inference', 'log'],
}

/**
 * Values of the chart `charts/sotto` for a plan, and what they are given with. Nothing in them is secret: secrets are named,
 * and are in the cluster already.
 * @throws `DEPLOY_FILE` for what the chart, or Kubernetes, would refuse
 */
export function renderKubernetes(plan: ClusterPlan): RenderedFile[] {
  requireFit(plan)
  const { cluster, roles, policy } = plan
  const { appendToken, postgres } = cluster.secrets
  const values = {
    // Configurations, which are measured, name each other by these addresses.
    fullnameOverride: plan.name,
    ...(cluster.runtimeClass !== undefined && { runtimeClassName: cluster.runtimeClass }),
    tee: { type: cluster.tee },
    secrets: {
      appendToken: { existingSecret: appendToken },
      ...(postgres !== undefined && { postgres: { existingSecret: postgres } }),
    },
    ...Object.fromEntries(roles.map((role) => [chartName(role.name), valuesOf(role, plan)])),
  }
  return [
    { path: 'values.yaml', text: stringify(values, { lineWidth: 0, aliasDuplicateObjects: false }) },
    ...configFiles(plan),
    ...(policy === undefined ? [] : [{ path: POLICY_FILE, text: policy }]),
    ...(hasRole(plan, 'registry') ? [OWNERS] : []),
  ]
}

/** Rendered files whose text is a value, by the value's path: YAML would change some bytes, and the SHA-256 of most is measured. */
export function valueFiles(plan: ClusterPlan): [value: string, file: string][] {
  return [
    ...plan.roles.map(({ name }): [string, string] => [`${chartName(name)}.config`, `config/${name}.json`]),
    ...(plan.policy === undefined ? [] : [['policy', POLICY_FILE] satisfies [string, string]]),
    ...(hasRole(plan, 'registry') ? [['registry.owners', OWNERS.path] satisfies [string, string]] : []),
  ]
}

/** What has to be in the namespace already, a line each: the chart names it, and makes none of it. */
export function kubernetesNeeds(plan: ClusterPlan): string[] {
  const { name, cluster, app } = plan
  const { appendToken, postgres, relayTls } = cluster.secrets
  return [
    `Secret ${appendToken}: token, for appends to the log`,
    ...(postgres === undefined ? [] : [`Secret ${postgres}: url, of the database of the KMS`]),
    ...(hasRole(plan, 'relay') ? [`Secret ${relayTls}: tls.crt and tls.key, of ${cluster.relayHost}`] : []),
    ...(app === undefined ? [] : [`PersistentVolumeClaim ${name}-app: what is in the folder app`]),
    ...rulesNeeded(plan),
  ]
}

/** Roles that are elsewhere: the chart's network policies know nothing of them. */
function rulesNeeded(plan: ClusterPlan): string[] {
  return Object.entries(plan.cluster.addresses).flatMap(([asked, address]) => {
    const asking = plan.roles.filter(({ name }) => ASKS[name].includes(asked as ClusterRole))
    if (asking.length === 0) return []
    const values = asking.map(({ name }) => `${chartName(name)}.networkPolicy.extraEgress`)
    return [`a rule that lets ${address} be reached: ${values.join(', ')}`]
  })
}

/** The chart calls the inference role by what it is. */
export function chartName(role: PlannedRole['name']): string {
  return role === 'inference' ? 'enclave' : role
}

/** @throws `DEPLOY_FILE` */
function requireFit({ name, cluster }: ClusterPlan): void {
  if (name.length > MAX_NAME)
    throw cliError('DEPLOY_FILE', 'the name would be part of labels of Kubernetes', {
      expected: `at most ${MAX_NAME} characters`,
      found: name,
    })
  if (cluster.secrets.postgres !== undefined && cluster.database === undefined)
    throw cliError(
      'DEPLOY_FILE',
      'where the database of the KMS is, nobody says: network policies keep it out',
      {
        expected: 'cluster.database: { cidr: 10.20.0.0/24, port: 5432 }',
      },
    )
}

function hasRole({ roles }: ClusterPlan, role: ClusterRole): boolean {
  return roles.some(({ name }) => name === role)
}

function valuesOf(role: PlannedRole, { name, cluster, resources, app }: ClusterPlan): object {
  const [repository, digest] = role.image.split('@')
  const memory = String(resources.memory)
  return {
    enabled: true,
    replicas: role.replicas,
    image: { repository, digest },
    // Any other bytes than those of its file are refused.
    configSha256: role.configDigest,
    ...(role.isMeasured && cluster.tee === 'azure-cvm' && { configInImage: true }),
    ...(role.name === 'kms' && cluster.database !== undefined && { postgres: databaseOf(cluster.database) }),
    ...(role.name === 'relay' && {
      ingress: {
        enabled: true,
        hosts: [cluster.relayHost],
        tls: { existingSecret: cluster.secrets.relayTls },
      },
    }),
    ...(role.name === 'inference' && {
      // Weights and code lie in memory that has a name, and it counts as the container's.
      memory: { shm: memory },
      resources: { requests: { cpu: String(resources.cpu), memory }, limits: { memory } },
      ...(app !== undefined && {
        app: { volume: { persistentVolumeClaim: { claimName: `${name}-app`, readOnly: true } } },
      }),
    }),
  }
}

/** Where a network policy lets the KMS reach its database. */
function databaseOf({ cidr, port }: NonNullable<ClusterSection['database']>): object {
  return { to: [{ ipBlock: { cidr } }], port }
}
