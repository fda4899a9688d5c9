import { stringify } from 'yaml'
import type { ClusterSection } from '../file/index.ts'
import { configFiles } from './compose.ts'
import type { ClusterPlan, PlannedRole } from './plan.ts'
import type { RenderedFile } from './rendered.ts'

/** Values of the chart `charts/sotto` for a plan. Nothing in them is secret: secrets are named, and are in the cluster already. */
export function renderKubernetes(plan: ClusterPlan): RenderedFile[] {
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
    ...(policy !== undefined && { policy }),
    ...Object.fromEntries(roles.map((role) => [chartName(role.name), valuesOf(role, plan)])),
  }
  return [
    { path: 'values.yaml', text: stringify(values, { lineWidth: 0, aliasDuplicateObjects: false }) },
    // Given to Helm as files: YAML would change some bytes, and their SHA-256 is measured.
    ...configFiles(plan),
  ]
}

/** The chart calls the inference role by what it is. */
export function chartName(role: PlannedRole['name']): string {
  return role === 'inference' ? 'enclave' : role
}

function valuesOf(role: PlannedRole, { name, cluster, resources, app }: ClusterPlan): object {
  const [repository, digest] = role.image.split('@')
  return {
    enabled: true,
    replicas: role.replicas,
    image: { repository, digest },
    // Any other bytes than those of its file are refused.
    configSha256: role.configDigest,
    ...(role.isMeasured && cluster.tee === 'azure-cvm' && { configInImage: true }),
    ...(role.name === 'registry' && { owners: '{"owners":[]}' }),
    ...(role.name === 'kms' && cluster.database !== undefined && { postgres: databaseOf(cluster.database) }),
    ...(role.name === 'relay' && { ingress: { enabled: true, hosts: [cluster.relayHost] } }),
    ...(role.name === 'inference' && {
      resources: {
        requests: { cpu: String(resources.cpu), memory: String(resources.memory) },
        limits: { memory: String(resources.memory) },
      },
      ...(app !== undefined && { app: { volume: { persistentVolumeClaim: { claimName: `${name}-app` } } } }),
    }),
  }
}

/** Where a network policy lets the KMS reach its database. */
function databaseOf({ cidr, port }: NonNullable<ClusterSection['database']>): object {
  return { to: [{ ipBlock: { cidr } }], port }
}
