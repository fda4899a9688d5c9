import { toBase64, utf8 } from '@sotto/protocol/bytes'
import { checkAciInput } from './check.ts'
import { capabilityChanges, renderPolicy } from './policy.ts'
import { policyHash } from './policy-hash.ts'
import type { AciContainer, AciInput, AciOutput } from './types.ts'

/** Type of the resource, and the version of its API. */
export const GROUP_TYPE = 'Microsoft.ContainerInstance/containerGroups'
const GROUP_API = '2023-05-01'
const SCHEMA = 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#'
/** Says that the policy lets in none of Microsoft's own containers but `pause`. */
const NO_SIDECARS = { 'Annotate-zero-sidecar': 'true' }

/**
 * The ARM template of a confidential container group, with its policy. The same input gives the same bytes.
 * @throws `DEPLOY_TARGET` (fix-input) with everything that is wrong
 */
export function renderAci(input: AciInput): AciOutput {
  checkAciInput(input)
  const policy = renderPolicy(input)
  const { name, region, containers } = input
  const template = {
    $schema: SCHEMA,
    contentVersion: '1.0.0.0',
    parameters: Object.fromEntries(
      parametersOf(input).map((parameter) => [parameter, { type: 'securestring' }]),
    ),
    resources: [
      {
        type: GROUP_TYPE,
        apiVersion: GROUP_API,
        name,
        location: region,
        tags: NO_SIDECARS,
        properties: {
          sku: 'Confidential',
          osType: 'Linux',
          restartPolicy: 'Always',
          confidentialComputeProperties: { ccePolicy: toBase64(utf8(policy)) },
          ...credentials(input),
          ...address(input),
          containers: containers.map(templateContainer),
          ...volumes(containers),
        },
      },
    ],
  }
  return { template: encodeTemplate(template), policy, hostData: policyHash(policy) }
}

/** The text of a template: names in order, so that two are compared line by line. */
export function encodeTemplate(template: unknown): string {
  return `${JSON.stringify(sorted(template), undefined, 2)}\n`
}

/** A text that ARM takes as it is: one in brackets would be an expression. */
export function armText(text: string): string {
  return text.startsWith('[') && text.endsWith(']') ? `[${text}` : text
}

function parameter(name: string): string {
  return `[parameters('${name}')]`
}

function parametersOf({ registry, containers }: AciInput): string[] {
  const { usernameParameter = 'registryUsername', passwordParameter = 'registryPassword' } = registry ?? {}
  return [
    ...(registry ? [usernameParameter, passwordParameter] : []),
    ...containers.flatMap(({ secretEnv = [] }) => secretEnv.map((secret) => secret.parameter)),
  ]
}

function credentials({ registry }: AciInput): object {
  if (registry === undefined) return {}
  const { server, usernameParameter = 'registryUsername', passwordParameter = 'registryPassword' } = registry
  const imageRegistryCredentials = [
    { server, username: parameter(usernameParameter), password: parameter(passwordParameter) },
  ]
  return { imageRegistryCredentials }
}

function address({ dnsLabel, publicPorts, containers }: AciInput): object {
  if (dnsLabel === undefined) return {}
  const ports = publicPorts ?? containers.flatMap(({ ports }) => ports)
  return { ipAddress: { type: 'Public', dnsNameLabel: dnsLabel, ports: ports.map(tcp) } }
}

function tcp(port: number): object {
  return { port, protocol: 'TCP' }
}

function templateContainer(container: AciContainer): object {
  const {
    name,
    image,
    command,
    env = {},
    secretEnv = [],
    volumes: mounts = [],
    ports,
    cpu,
    memoryGiB,
  } = container
  const { uid = 65_532, gid = 65_532, capabilities = [] } = container
  const variables = Object.entries(env)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => ({ name, value: armText(value) }))
  const secrets = secretEnv.map((secret) => ({
    name: secret.name,
    secureValue: parameter(secret.parameter),
  }))
  return {
    name,
    properties: {
      image,
      command: command.map(armText),
      environmentVariables: [...variables, ...secrets],
      ports: ports.map(tcp),
      resources: { requests: { cpu, memoryInGB: memoryGiB } },
      securityContext: {
        privileged: false,
        allowPrivilegeEscalation: false,
        runAsUser: uid,
        runAsGroup: gid,
        capabilities: capabilityChanges(capabilities),
      },
      ...(mounts.length > 0 && {
        volumeMounts: mounts.map(({ name, path }) => ({ name, mountPath: path, readOnly: false })),
      }),
    },
  }
}

function volumes(containers: readonly AciContainer[]): object {
  const names = new Set(containers.flatMap(({ volumes = [] }) => volumes.map(({ name }) => name)))
  return names.size === 0 ? {} : { volumes: [...names].sort().map((name) => ({ name, emptyDir: {} })) }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  )
}
