import { join, resolve } from 'node:path'
import { cliError } from '../errors.ts'
import { contextFiles, currentContext, requireContext } from './contexts.ts'
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
  /** The host that its source names, where that is a file: it is about that host, and about no other. */
  readonly ofHost: string | undefined
}

/** Settings after precedence: environment, project file, context, user file, local stack, default. Flags come before all. */
export interface Config {
  get(name: SettingName): Setting | undefined
}

/** Name of the project's file in the working directory. */
export const PROJECT_FILE = 'sotto.json'

/** Gateway at a relay where nobody says another. */
export const DEFAULT_GATEWAY = 'inference'

const DEFAULTS: PartialSettings = { gateway: DEFAULT_GATEWAY }

/**
 * Reads all sources. With `explicitFile` (`--config`) neither the project's nor the user's file is read.
 * @throws `CLI_CONFIG` when a file is damaged, or `explicitFile` does not exist
 */
export async function loadConfig(world: ConfigWorld, explicitFile?: string): Promise<Config> {
  const layers: Layer[] = [
    // A variable is for this command, whatever its host.
    {
      settings: settingsFromEnvironment(world),
      origin: (name) => SETTING_VARIABLES[name],
      isOfAnyHost: true,
    },
  ]
  if (explicitFile === undefined) {
    const context = await currentContext(world)
    if (context !== undefined) await requireContext(world, context.name)
    const add = async (path: string, more: Partial<Layer> = {}): Promise<void> => {
      const settings = await settingsFromFile(path)
      if (settings !== undefined) layers.push({ settings, origin: () => path, ...more })
    }
    await add(resolve(world.cwd, PROJECT_FILE))
    if (context !== undefined) await add(contextFiles(world, context.name).settings, { isService: true })
    await add(join(configDirectory(world), 'config.json'))
  } else {
    const path = resolve(world.cwd, explicitFile)
    const settings = await settingsFromFile(path)
    if (settings === undefined) throw cliError('CLI_CONFIG', `${path} does not exist`)
    layers.push({ settings, origin: () => path })
  }
  // The stack's policy belongs to the stack's relay: it must never be paired with another host.
  if (layers.every((layer) => layer.settings.host === undefined)) {
    const settings = await settingsFromStack(world)
    if (settings !== undefined)
      layers.push({ settings, origin: () => `local stack (${STACK_FILE})`, isService: true })
  }
  layers.push({ settings: DEFAULTS, origin: () => 'default' })

  const resolved = new Map<SettingName, Setting>()
  for (const name of SETTING_NAMES) {
    const layer = layers.find((candidate) => candidate.settings[name] !== undefined)
    if (layer === undefined || isBehindContext(layers, layer, name)) continue
    const { settings, origin, isOfAnyHost = false } = layer
    const ofHost = isOfAnyHost ? undefined : settings.host
    resolved.set(name, { value: settings[name]!, origin: origin(name), ofHost })
  }
  return { get: (name) => resolved.get(name) }
}

/** One source of settings. */
interface Layer {
  settings: PartialSettings
  origin: (name: SettingName) => string
  /** It names a whole service: what it leaves out the service has not. */
  isService?: boolean
  /** What it says holds for whatever host a command is for. */
  isOfAnyHost?: boolean
}

/** Whether a context stands before this source, and leaves open what another service has: an issuer, a log. Models are a matter of taste. */
function isBehindContext(layers: readonly Layer[], layer: Layer, name: SettingName): boolean {
  const context = layers.findIndex(({ isService }) => isService)
  const isDefault = layer === layers.at(-1)
  return context !== -1 && layers.indexOf(layer) > context && !isDefault && !name.startsWith('model.')
}
