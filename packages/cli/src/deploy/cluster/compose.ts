import { dirname } from 'node:path'
import { stringify } from 'yaml'
import { cliError } from '../../errors.ts'
import { METRICS_PORT, OWNERS_IN_CONTAINER, ROLE_PORT, STATE_IN_CONTAINER } from './plan.ts'
import { APP_IN_CONTAINER } from '../../oci/index.ts'
import type { ClusterRole } from '../file/index.ts'
import type { ClusterPlan, PlannedRole } from './plan.ts'
import type { RenderedFile } from './rendered.ts'

/** Roles of one machine that talk to each other share a network with nobody else. */
const NETWORKS: Readonly<Record<string, readonly ClusterRole[]>> = {
  'relay-log': ['relay', 'log'],
  'registry-log': ['registry', 'log'],
}

/** The relay's, unless it has an address; TLS is ended before it. */
const RELAY_PORT = 8443

/** Machines: hardware reports the configuration of one measured role, so each has its own. */
const PROFILES: Readonly<Record<ClusterRole, string>> = {
  log: 'edge',
  registry: 'edge',
  relay: 'edge',
  kms: 'kms',
  inference: 'enclave',
}

/**
 * A compose file (compose-spec) and what it mounts. Each measured role has a machine of its own, so roles find each other by
 * the addresses of the deployment; who may reach whom between machines is a matter of their firewalls. Secrets are files that
 * the operator puts beside it; the file names them, and nothing else of them.
 * @throws `DEPLOY_FILE` for what a machine with Docker cannot do
 */
export function renderCompose(plan: ClusterPlan): RenderedFile[] {
  requireFit(plan)
  const present = (role: ClusterRole): boolean => plan.roles.some(({ name }) => name === role)
  const networks = Object.entries(NETWORKS).filter(([, roles]) => roles.every(present))
  const compose = {
    name: plan.name,
    services: Object.fromEntries(
      plan.roles.flatMap((role) => [
        ...(needsOwner(role) ? [[ownerService(role.name), giveVolume(role)]] : []),
        [role.name, service(plan, role, networks)],
      ]),
    ),
    networks: Object.fromEntries([...networks.map(([name]) => [name, { internal: true }]), ['outside', {}]]),
    volumes: Object.fromEntries(
      plan.roles.filter(({ keepsState }) => keepsState).map(({ name }) => [`${name}-state`, {}]),
    ),
  }
  return [
    { path: 'compose.yaml', text: stringify(compose, { lineWidth: 0, aliasDuplicateObjects: false }) },
    ...configFiles(plan),
    ...(present('registry') ? [OWNERS] : []),
  ]
}

function service(
  plan: ClusterPlan,
  role: PlannedRole,
  networks: readonly (readonly [string, readonly ClusterRole[]])[],
): object {
  const { name, image, isMeasured, configDigest, keepsState, secretEnv } = role
  const own = networks.filter(([, roles]) => roles.includes(name)).map(([network]) => network)
  const hasApp = name === 'inference' && plan.app !== undefined
  return {
    image,
    profiles: [PROFILES[name], 'all'],
    // What is mounted is no part of a service: this is what makes another configuration another container.
    labels: { 'sotto.config': configDigest },
    restart: 'unless-stopped',
    // Measured roles are started as their image says.
    ...(!isMeasured && { command: [`${name}.js`, '--config', '/etc/sotto/config.json'] }),
    read_only: true,
    ...(needsOwner(role) && {
      depends_on: { [ownerService(name)]: { condition: 'service_completed_successfully' } },
    }),
    security_opt: [
      'no-new-privileges:true',
      // Docker's own profile refuses every write below /sys, where reports are asked for, and every mount.
      ...(isMeasured ? ['apparmor:unconfined'] : []),
      // Its filter refuses pivot_root(2), with which the app's root is made, whatever capabilities there are.
      ...(hasApp ? ['seccomp:unconfined'] : []),
    ],
    // The kernel gives reports to root alone. Of its capabilities the KMS has none.
    user: isMeasured ? '0:0' : NOBODY,
    cap_drop: ['ALL'],
    ...(name === 'inference' && { cap_add: ENCLAVE_CAPABILITIES }),
    ulimits: { core: 0 },
    tmpfs: ['/tmp:size=64m,mode=1777', ...(name === 'inference' ? ['/run:size=64m'] : [])],
    // Weights and code are held in memory that has a name.
    ...(name === 'inference' && { shm_size: plan.resources.memory }),
    stop_grace_period: '30s',
    volumes: [
      { type: 'bind', source: `./config/${name}.json`, target: '/etc/sotto/config.json', read_only: true },
      ...(keepsState ? [{ type: 'volume', source: `${name}-state`, target: STATE_IN_CONTAINER }] : []),
      ...(name === 'registry'
        ? [{ type: 'bind', source: './owners', target: dirname(OWNERS_IN_CONTAINER), read_only: true }]
        : []),
      ...(hasApp ? [{ type: 'bind', source: './app', target: APP_IN_CONTAINER, read_only: true }] : []),
      ...(isMeasured && plan.cluster.tee !== 'azure-cvm'
        ? [{ type: 'bind', source: '/sys/kernel/config', target: '/sys/kernel/config' }]
        : []),
    ],
    ...(Object.keys(secretEnv).length > 0 && {
      env_file: Object.values(secretEnv).map((secret) => ({
        path: `./secrets/${secret}.env`,
        required: true,
      })),
    }),
    ...(isMeasured && plan.cluster.tee === 'azure-cvm' && { devices: ['/dev/tpmrm0:/dev/tpmrm0'] }),
    networks: [...own, 'outside'],
    ports: [`${publishedPort(plan, name)}:${ROLE_PORT}`],
    expose: [String(ROLE_PORT), ...(isMeasured ? [String(METRICS_PORT)] : [])],
    healthcheck: {
      test: ['CMD', `${imageFolder(role)}/bin/node`, '-e', HEALTH],
      interval: '10s',
      timeout: '5s',
      start_period: '120s',
    },
  }
}

/** Files of secrets that have to lie beside the compose file, which needs each of them before it starts anything. */
export function composeNeeds({ roles }: Pick<ClusterPlan, 'roles'>): string[] {
  const variables = roles.flatMap(({ secretEnv }) => Object.entries(secretEnv))
  return [...new Map(variables.map(([variable, secret]) => [secret, variable]))].map(
    ([secret, variable]) => `secrets/${secret}.env, mode 0600: ${variable}=…`,
  )
}

/** The owners that may publish: an operator's file, begun here and never written again. */
export const OWNERS: RenderedFile = { path: 'owners/owners.json', text: '{"owners":[]}\n', isSeed: true }

/** Configurations of all roles, each in a file of its very bytes. */
export function configFiles({ roles }: Pick<ClusterPlan, 'roles'>): RenderedFile[] {
  return roles.map(({ name, config }) => ({ path: `config/${name}.json`, text: config }))
}

/** The port of a role's address, on the machine it runs on. */
function publishedPort({ cluster }: Pick<ClusterPlan, 'cluster'>, role: ClusterRole): number {
  const address = cluster.addresses[role]
  if (address === undefined) return RELAY_PORT
  const { port, protocol } = new URL(address)
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
}

/** Where an image has its program. */
export function imageFolder({ name, isMeasured }: Pick<PlannedRole, 'name' | 'isMeasured'>): string {
  return `/opt/sotto/${isMeasured ? name : 'edge'}`
}

/** What root needs to give engines and the own app users, networks and files of their own. */
export const ENCLAVE_CAPABILITIES = [
  'SYS_ADMIN',
  'SETUID',
  'SETGID',
  'KILL',
  'CHOWN',
  'DAC_OVERRIDE',
  'NET_ADMIN',
  'SETPCAP',
  'SYS_CHROOT',
]

/**
 * What a machine with Docker cannot do.
 * @throws `DEPLOY_FILE`
 */
function requireFit({ roles, cluster }: ClusterPlan): void {
  const replicated = roles.find(({ replicas }) => replicas > 1)
  if (replicated !== undefined)
    throw cliError('DEPLOY_FILE', `replicas of ${replicated.name} would share one port of one machine`, {
      expected: `${replicated.name === 'kms' ? 'cluster.kmsReplicas' : 'resources.replicas'}: 1`,
      found: `${replicated.replicas}`,
      hint: 'the target kubernetes runs several',
    })
  const ports = new Map<number, ClusterRole>()
  for (const { name } of roles.filter((role) => PROFILES[role.name] === 'edge')) {
    const port = publishedPort({ cluster }, name)
    const other = ports.get(port)
    if (other !== undefined)
      throw cliError('DEPLOY_FILE', `${other} and ${name} have one port on one machine`, {
        expected: 'different ports in cluster.addresses',
        found: `${port}`,
      })
    ports.set(port, name)
  }
}

/** Whom nobody has to trust. */
const NOBODY = '65532:65532'

/** A new volume is root's, and these roles are not. */
function needsOwner({ keepsState, isMeasured }: PlannedRole): boolean {
  return keepsState && !isMeasured
}

function ownerService(role: ClusterRole): string {
  return `${role}-volume`
}

/** Gives a role the volume that it keeps its state in, and ends. */
function giveVolume({ name, image }: PlannedRole): object {
  return {
    image,
    profiles: [PROFILES[name], 'all'],
    entrypoint: ['/bin/chown', NOBODY, STATE_IN_CONTAINER],
    command: [],
    user: '0:0',
    cap_drop: ['ALL'],
    cap_add: ['CHOWN'],
    read_only: true,
    security_opt: ['no-new-privileges:true'],
    network_mode: 'none',
    volumes: [{ type: 'volume', source: `${name}-state`, target: STATE_IN_CONTAINER }],
  }
}

const HEALTH = `fetch('http://127.0.0.1:${ROLE_PORT}/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))`
