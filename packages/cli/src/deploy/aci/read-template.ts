import { fromBase64, fromUtf8 } from '@sotto/protocol/bytes'
import { parseStrictJson } from '@sotto/protocol/jcs'
import { cliError } from '../../errors.ts'
import { DEFAULT_CAPABILITIES } from './pause.ts'
import { GROUP_TYPE } from './template.ts'
import type { AciContainer, AciInput, AciSecretEnv } from './types.ts'

type Json = Readonly<Record<string, unknown>>

/** What a template says, but for what only the images know. */
export interface ReadTemplate {
  input: Omit<AciInput, 'containers'> & { containers: readonly Omit<AciContainer, 'layers'>[] }
  /** Its policy, decoded. */
  policy: string
}

const MAX_TEMPLATE = 1024 * 1024
const PARAMETER = /^\[parameters\('([A-Za-z][A-Za-z0-9]*)'\)\]$/

/**
 * Reads a template of one confidential group back into what it was rendered from. Untrusted: whoever deploys may have
 * changed any of it. What it says in another way than `renderAci` is not understood here, and found when both are compared.
 * @throws `DEPLOY_DIFFERS` for what is no such template
 */
export function readTemplate(text: string): ReadTemplate {
  try {
    return readGroup(record(parseStrictJson(text, { maxBytes: MAX_TEMPLATE, maxDepth: 32 })))
  } catch (cause) {
    throw cliError('DEPLOY_DIFFERS', 'that is no template of a confidential container group', { cause })
  }
}

function readGroup(template: Json): ReadTemplate {
  const [group, ...others] = list(template['resources']).map(record)
  if (group === undefined || others.length > 0 || group['type'] !== GROUP_TYPE)
    throw new TypeError(`not one resource of type ${GROUP_TYPE}`)
  const properties = record(group['properties'])
  const { ccePolicy } = record(properties['confidentialComputeProperties'])
  const ip = properties['ipAddress'] === undefined ? undefined : record(properties['ipAddress'])
  return {
    policy: fromUtf8(fromBase64(string(ccePolicy))),
    input: {
      name: string(group['name']),
      region: string(group['location']),
      ...(ip && { dnsLabel: string(ip['dnsNameLabel']), publicPorts: list(ip['ports']).map(readPort) }),
      ...readRegistry(properties['imageRegistryCredentials']),
      containers: list(properties['containers']).map((value) => readContainer(record(value))),
    },
  }
}

function readRegistry(value: unknown): Pick<AciInput, 'registry'> {
  if (value === undefined) return {}
  const [one, ...others] = list(value).map(record)
  if (one === undefined || others.length > 0) throw new TypeError('not one registry')
  return {
    registry: {
      server: string(one['server']),
      usernameParameter: readParameter(one['username']),
      passwordParameter: readParameter(one['password']),
    },
  }
}

function readContainer(value: Json): Omit<AciContainer, 'layers'> {
  const properties = record(value['properties'])
  const context = record(properties['securityContext'])
  const { add, drop } = record(context['capabilities'])
  const dropped = new Set(list(drop).map(string))
  const { cpu, memoryInGB } = record(record(properties['resources'])['requests'])
  const variables = list(properties['environmentVariables'] ?? []).map(record)
  const env: Record<string, string> = {}
  const secretEnv: AciSecretEnv[] = []
  for (const variable of variables) {
    const name = string(variable['name'])
    if (variable['secureValue'] !== undefined)
      secretEnv.push({ name, parameter: readParameter(variable['secureValue']) })
    else if (Object.hasOwn(env, name)) throw new TypeError('a variable stands twice')
    else env[name] = unescape(string(variable['value']))
  }
  return {
    name: string(value['name']),
    image: string(properties['image']),
    command: list(properties['command'] ?? []).map((text) => unescape(string(text))),
    env,
    secretEnv,
    uid: number(context['runAsUser']),
    gid: number(context['runAsGroup']),
    capabilities: [...DEFAULT_CAPABILITIES.filter((name) => !dropped.has(name)), ...list(add).map(string)],
    volumes: list(properties['volumeMounts'] ?? [])
      .map(record)
      .map(({ name, mountPath }) => ({ name: string(name), path: string(mountPath) })),
    ports: list(properties['ports']).map(readPort),
    cpu: number(cpu),
    memoryGiB: number(memoryInGB),
  }
}

function readPort(value: unknown): number {
  return number(record(value)['port'])
}

function readParameter(value: unknown): string {
  const name = PARAMETER.exec(string(value))?.[1]
  if (name === undefined) throw new TypeError('a secret is no parameter')
  return name
}

/** Undoes `armText`. @throws TypeError for an expression: only Azure knows what comes of it */
function unescape(text: string): string {
  if (!text.startsWith('[') || !text.endsWith(']')) return text
  if (!text.startsWith('[[')) throw new TypeError('an expression')
  return text.slice(1)
}

function record(value: unknown): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('no object')
  return value as Json
}

function list(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new TypeError('no list')
  return value
}

function string(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('no text')
  return value
}

function number(value: unknown): number {
  if (typeof value !== 'number') throw new TypeError('no number')
  return value
}
