import { fromUtf8 } from '@sotto/protocol/bytes'
import { canonicalJson } from '@sotto/protocol/jcs'
import { DEFAULT_CAPABILITIES, PAUSE_CONTAINER } from './pause.ts'
import type { AciContainer, AciInput } from './types.ts'

/** A rule for a variable of the environment. */
export interface EnvRule {
  pattern: string
  /** The host has to set it. */
  required: boolean
  strategy: 'string' | 're2'
}

/** A container as the policy names it: `containers` of Microsoft's framework. */
export type PolicyContainer = Readonly<Record<string, unknown>> & {
  readonly command: readonly string[]
  readonly layers: readonly string[]
  readonly env_rules: readonly EnvRule[]
}

/**
 * The contract that Confidential ACI has deployed (azure-cli extension confcom, `DEFAULT_POLICY_API_VERSION` and
 * `DEFAULT_POLICY_FRAMEWORK_VERSION`). Frameworks of later versions read it too.
 */
const API_VERSION = '0.11.0'
const FRAMEWORK_VERSION = '0.2.3'

/** Rules of the framework that the policy takes as they are. Others of the same version would be refused as missing. */
const RULES = [
  'mount_device',
  'unmount_device',
  'mount_overlay',
  'unmount_overlay',
  'create_container',
  'exec_in_container',
  'exec_external',
  'shutdown_container',
  'signal_container_process',
  'plan9_mount',
  'plan9_unmount',
  'get_properties',
  'dump_stacks',
  'runtime_logging',
  'load_fragment',
  'scratch_mount',
  'scratch_unmount',
  'rw_mount_device',
]

/** SIGKILL and SIGTERM: how a group is stopped. */
const SIGNALS = [9, 15]
const BIND = { options: ['rbind', 'rshared', 'rw'], type: 'bind' }
/** Written by the host, as for every group: whoever answers for a name is proven otherwise. */
const RESOLV_CONF = {
  ...BIND,
  destination: '/etc/resolv.conf',
  source: 'sandbox:///tmp/atlas/resolvconf/.+',
}
const EMPTY_DIR = 'sandbox:///tmp/atlas/emptydir/.+'

/**
 * The policy of a group (CCE policy, Rego): exactly these containers and `pause`; no other command runs in them, nobody reads
 * their output, no fragment of another signer extends it. The host may leave out variables and capabilities that no rule
 * has, for it sets some of its own, but none that is required here. The same input gives the same text.
 */
export function renderPolicy({ containers }: AciInput): string {
  return encodePolicy([...containers.map(policyContainer), PAUSE_CONTAINER])
}

/** The text of a policy for these containers. */
export function encodePolicy(containers: readonly unknown[]): string {
  return `package policy

import future.keywords.every
import future.keywords.in

api_version := "${API_VERSION}"
framework_version := "${FRAMEWORK_VERSION}"

fragments := []

containers := ${fromUtf8(canonicalJson(containers))}

allow_properties_access := true
allow_dump_stacks := false
allow_runtime_logging := false
allow_environment_variable_dropping := true
allow_unencrypted_scratch := false
allow_capability_dropping := true

${RULES.map((rule) => `${rule} := data.framework.${rule}`).join('\n')}

reason := {"errors": data.framework.errors}`
}

/** What the policy says of a container. */
export function policyContainer(container: AciContainer): PolicyContainer {
  const capabilities = [...(container.capabilities ?? [])].sort()
  const { uid = 65_532, gid = 65_532, volumes = [] } = container
  return {
    allow_elevated: false,
    allow_stdio_access: false,
    capabilities: {
      ambient: [],
      bounding: capabilities,
      effective: capabilities,
      inheritable: [],
      permitted: capabilities,
    },
    command: container.command,
    env_rules: envRules(container),
    exec_processes: [],
    id: container.image,
    layers: container.layers,
    mounts: [...volumes.map(({ path }) => ({ ...BIND, destination: path, source: EMPTY_DIR })), RESOLV_CONF],
    name: container.name,
    no_new_privileges: true,
    seccomp_profile_sha256: '',
    signals: SIGNALS,
    user: {
      group_idnames: [{ pattern: String(gid), strategy: 'id' }],
      umask: '0022',
      user_idname: { pattern: String(uid), strategy: 'id' },
    },
    working_dir: container.workingDirectory ?? '/',
  }
}

/** What a template adds to and takes from the capabilities that containers have, so that exactly these are left. */
export function capabilityChanges(capabilities: readonly string[]): { add: string[]; drop: string[] } {
  return {
    add: capabilities.filter((name) => !DEFAULT_CAPABILITIES.includes(name)).sort(),
    drop: DEFAULT_CAPABILITIES.filter((name) => !capabilities.includes(name)),
  }
}

/** Variables of the container by name, a template's before the image's. */
export function fixedEnv({ imageEnv = [], env = {}, secretEnv = [] }: AciContainer): Map<string, string> {
  const values = new Map(
    imageEnv.map((entry) => {
      const equals = entry.indexOf('=')
      return [entry.slice(0, equals), entry.slice(equals + 1)] as const
    }),
  )
  for (const [name, value] of Object.entries(env)) values.set(name, value)
  for (const { name } of secretEnv) values.delete(name)
  return values
}

function envRules(container: AciContainer): EnvRule[] {
  const rules: EnvRule[] = [...fixedEnv(container)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => ({ pattern: `${name}=${value}`, required: true, strategy: 'string' }))
  // Anchored: frameworks before 0.5 look for the pattern anywhere in `NAME=value`.
  for (const { name } of container.secretEnv ?? [])
    rules.push({ pattern: `^${name}=.*$`, required: true, strategy: 're2' })
  // Of the runtime, for every container.
  if (!rules.some(({ pattern }) => /^\^?TERM=/.test(pattern)))
    rules.push({ pattern: 'TERM=xterm', required: false, strategy: 'string' })
  return rules
}
