import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { cliError } from '../errors.ts'

/** Where a command looks for settings. */
export interface ConfigWorld {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
}

/** Settings as one source has them. Paths are absolute already. */
export interface PartialSettings {
  host?: string
  gateway?: string
  log?: string
  kms?: string
  policy?: string
  issuer?: string
  'issuer-key'?: string
  'token-class'?: string
  'model.transcribe'?: string
  'model.chat'?: string
  'model.summarize'?: string
  'model.embed'?: string
}

/** Names of all settings, in the order `config view` prints them. */
export const SETTING_NAMES: readonly SettingName[] = [
  'host',
  'gateway',
  'log',
  'kms',
  'policy',
  'issuer',
  'issuer-key',
  'token-class',
  'model.transcribe',
  'model.chat',
  'model.summarize',
  'model.embed',
]

/** Name of a setting. */
export type SettingName = keyof PartialSettings

/** Environment variables, by setting. */
export const SETTING_VARIABLES: Readonly<Record<SettingName, string>> = {
  host: 'SOTTO_HOST',
  gateway: 'SOTTO_GATEWAY',
  log: 'SOTTO_LOG',
  kms: 'SOTTO_KMS',
  policy: 'SOTTO_POLICY',
  issuer: 'SOTTO_ISSUER',
  'issuer-key': 'SOTTO_ISSUER_KEY',
  'token-class': 'SOTTO_TOKEN_CLASS',
  'model.transcribe': 'SOTTO_MODEL_TRANSCRIBE',
  'model.chat': 'SOTTO_MODEL_CHAT',
  'model.summarize': 'SOTTO_MODEL_SUMMARIZE',
  'model.embed': 'SOTTO_MODEL_EMBED',
}

/** Configuration files are small; a larger one is not ours. */
const MAX_CONFIG_BYTES = 64 * 1024

/** `$SOTTO_CONFIG_DIR`, else `$XDG_CONFIG_HOME/sotto`, else `~/.config/sotto`. */
export function configDirectory(world: ConfigWorld): string {
  const own = world.env['SOTTO_CONFIG_DIR']
  if (own) return resolve(world.cwd, own)
  const base = world.env['XDG_CONFIG_HOME'] || join(world.env['HOME'] ?? world.cwd, '.config')
  return resolve(world.cwd, base, 'sotto')
}

/**
 * `$SOTTO_CONFIG_DIR/state`, else `$XDG_STATE_HOME/sotto`, else `~/.local/state/sotto`: the last log
 * checkpoints this user saw, and unspent access tokens. No request, answer or key is ever written there.
 */
export function stateDirectory(world: ConfigWorld): string {
  const own = world.env['SOTTO_CONFIG_DIR']
  if (own) return resolve(world.cwd, own, 'state')
  const base = world.env['XDG_STATE_HOME'] || join(world.env['HOME'] ?? world.cwd, '.local', 'state')
  return resolve(world.cwd, base, 'sotto')
}

/** Settings from environment variables; empty ones count as absent. */
export function settingsFromEnvironment(world: ConfigWorld): PartialSettings {
  const settings: PartialSettings = {}
  for (const name of SETTING_NAMES) {
    const value = world.env[SETTING_VARIABLES[name]]
    if (value) settings[name] = name === 'policy' ? resolve(world.cwd, value) : value
  }
  return settings
}

/**
 * Settings of a JSON file; undefined when it does not exist. Relative paths in it are relative to it.
 * @throws `CLI_CONFIG` unreadable, not JSON, unknown or wrongly typed settings
 */
export async function settingsFromFile(path: string): Promise<PartialSettings | undefined> {
  const value = await readJsonFile(path)
  if (value === undefined) return undefined
  const settings: PartialSettings = {}
  for (const [key, entry] of Object.entries(value)) {
    const nested = key === 'model' && isRecord(entry) ? Object.entries(entry) : undefined
    const pairs = nested?.map(([task, model]) => [`model.${task}`, model] as const) ?? [[key, entry] as const]
    for (const [name, text] of pairs) {
      if (!isSettingName(name) || typeof text !== 'string' || text === '') {
        throw cliError('CLI_CONFIG', `${path}: unknown or wrongly typed setting`, {
          found: name,
          expected: SETTING_NAMES.join(', '),
        })
      }
      settings[name] = name === 'policy' ? resolve(dirname(path), text) : text
    }
  }
  return settings
}

/** The object in a JSON file; undefined when there is no such file. @throws `CLI_CONFIG` */
export async function readJsonFile(path: string): Promise<Record<string, unknown> | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw cliError('CLI_CONFIG', `cannot read ${path}`, { cause })
  }
  if (text.length > MAX_CONFIG_BYTES)
    throw cliError('CLI_CONFIG', `${path} is too large for a configuration file`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw cliError('CLI_CONFIG', `${path} is not JSON`, { cause })
  }
  if (!isRecord(value)) throw cliError('CLI_CONFIG', `${path} must hold one JSON object`)
  return value
}

function isSettingName(name: string): name is SettingName {
  return (SETTING_NAMES as readonly string[]).includes(name)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
