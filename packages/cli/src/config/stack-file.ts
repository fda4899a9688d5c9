import { join, resolve } from 'node:path'
import { cliError } from '../errors.ts'
import type { ConfigWorld, PartialSettings } from './sources.ts'
import { readJsonFile } from './sources.ts'

/** Where `sotto up` leaves a note about the stack it runs, relative to the working directory. */
export const STACK_FILE: string = join('.sotto', 'stack.json')

/** Absolute path of the stack file of a working directory. */
export function stackFilePath(world: Pick<ConfigWorld, 'cwd'>): string {
  return resolve(world.cwd, STACK_FILE)
}

/**
 * The running local stack as a target: `{relay, policy, gateway?, log?}` and the addresses of the roles
 * called `log`, where `log` is absent, and `kms`; other members are for `sotto down`. Undefined when no stack runs here.
 * @throws `CLI_CONFIG` when the file is damaged
 */
export async function settingsFromStack(world: ConfigWorld): Promise<PartialSettings | undefined> {
  const path = stackFilePath(world)
  const value = await readJsonFile(path)
  if (value === undefined) return undefined
  const { relay, policy, gateway, log } = value
  if (typeof relay !== 'string' || typeof policy !== 'string') {
    throw cliError('CLI_CONFIG', `${path} is damaged`, { hint: 'run sotto down, then sotto up' })
  }
  const settings: PartialSettings = { host: relay, policy: resolve(world.cwd, policy) }
  if (typeof gateway === 'string') settings.gateway = gateway
  const role = roleUrl(value['roles'], 'log')
  if (typeof log === 'string') settings.log = log
  else if (role !== undefined) settings.log = `${role.replace(/\/+$/, '')}/log`
  const kms = roleUrl(value['roles'], 'kms')
  if (kms !== undefined) settings.kms = kms
  return settings
}

function roleUrl(roles: unknown, name: string): string | undefined {
  if (!Array.isArray(roles)) return undefined
  const role = (roles as { name?: unknown; url?: unknown }[]).find((candidate) => candidate?.name === name)
  return typeof role?.url === 'string' && role.url !== '' ? role.url : undefined
}
