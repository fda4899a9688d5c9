import { join, resolve } from 'node:path'
import { cliError } from '../errors.ts'
import {
  configDirectory,
  type ConfigWorld,
  type PartialSettings,
  SETTING_NAMES,
  type SettingName,
  SETTING_VARIABLES,
  settingsFromEnvironment,
  settingsFromFile,
} from './sources.ts'
import { settingsFromStack, STACK_FILE } from './stack-file.ts'

/** A setting and where it came from. */
export interface Setting {
  readonly value: string
  /** Environment variable, file path, `local stack (.sotto/stack.json)` or `default`. */
  readonly origin: string
}

/** Settings after precedence: environment, project file, user file, local stack, default. Flags come before all. */
export interface Config {
  get(name: SettingName): Setting | undefined
}

/** Name of the project's file in the working directory. */
export const PROJECT_FILE = 'sotto.json'

const DEFAULTS: PartialSettings = { gateway: 'inference' }

/**
 * Reads all sources. With `explicitFile` (`--config`) neither the project's nor the user's file is read.
 * @throws `CLI_CONFIG` when a file is damaged, or `explicitFile` does not exist
 */
export async function loadConfig(world: ConfigWorld, explicitFile?: string): Promise<Config> {
  const layers: { settings: PartialSettings; origin: (name: SettingName) => string }[] = [
    { settings: settingsFromEnvironment(world), origin: (name) => SETTING_VARIABLES[name] },
  ]
  if (explicitFile === undefined) {
    for (const path of [resolve(world.cwd, PROJECT_FILE), join(configDirectory(world), 'config.json')]) {
      const settings = await settingsFromFile(path)
      if (settings !== undefined) layers.push({ settings, origin: () => path })
    }
  } else {
    const path = resolve(world.cwd, explicitFile)
    const settings = await settingsFromFile(path)
    if (settings === undefined) throw cliError('CLI_CONFIG', `${path} does not exist`)
    layers.push({ settings, origin: () => path })
  }
  // The stack's policy belongs to the stack's relay: it must never be paired with another host.
  if (layers.every((layer) => layer.settings.host === undefined)) {
    const settings = await settingsFromStack(world)
    if (settings !== undefined) layers.push({ settings, origin: () => `local stack (${STACK_FILE})` })
  }
  layers.push({ settings: DEFAULTS, origin: () => 'default' })

  const resolved = new Map<SettingName, Setting>()
  for (const name of SETTING_NAMES) {
    const layer = layers.find((candidate) => candidate.settings[name] !== undefined)
    if (layer !== undefined) resolved.set(name, { value: layer.settings[name]!, origin: layer.origin(name) })
  }
  return { get: (name) => resolved.get(name) }
}
