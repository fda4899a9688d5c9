import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { writeWhole } from '@sotto/client/node'
import { cliError } from '../errors.ts'
import { configDirectory, type ConfigWorld, type PartialSettings } from './sources.ts'

/** What a context may be called: it is a name of a folder. */
export const CONTEXT_NAME: RegExp = /^[a-z0-9][a-z0-9.-]{0,62}$/

/** Environment variable that names the context of one command. */
const VARIABLE = 'SOTTO_CONTEXT'

/** Files of one context: its settings, the policy they name, and the API key of an account. */
export interface ContextFiles {
  folder: string
  settings: string
  policy: string
  accountKey: string
}

const rootOf = (world: ConfigWorld): string => join(configDirectory(world), 'contexts')
const currentFile = (world: ConfigWorld): string => join(configDirectory(world), 'context')

/** Where the files of a context are. @throws `CLI_USAGE` (fix-input) for what is no name */
export function contextFiles(world: ConfigWorld, name: string): ContextFiles {
  if (!CONTEXT_NAME.test(name))
    throw cliError('CLI_USAGE', `${JSON.stringify(name.slice(0, 63))} is no name of a context`, {
      expected: 'small letters, digits, dots and hyphens',
    })
  const folder = join(rootOf(world), name)
  return {
    folder,
    settings: join(folder, 'settings.json'),
    policy: join(folder, 'policy.json'),
    accountKey: join(folder, 'account.key'),
  }
}

/** The context in effect: of the environment, else the one that was chosen last. Undefined where there is none. */
export async function currentContext(
  world: ConfigWorld,
): Promise<{ name: string; origin: string } | undefined> {
  const named = world.env[VARIABLE]
  if (named) return { name: named, origin: VARIABLE }
  const file = currentFile(world)
  const text = await readFile(file, 'utf8').catch(() => undefined)
  const name = text?.trim()
  if (name === undefined || name === '') return undefined
  // A context that was removed by hand is none.
  const isThere = CONTEXT_NAME.test(name) && (await listContexts(world)).includes(name)
  return isThere ? { name, origin: file } : undefined
}

/** Names of all contexts, in order. A folder without settings is none: nothing says which service it would be. */
export async function listContexts(world: ConfigWorld): Promise<string[]> {
  const names = await readdir(rootOf(world)).catch(() => [])
  const found = await Promise.all(
    names.sort().map(async (name) => {
      const isContext = CONTEXT_NAME.test(name) && (await isFile(contextFiles(world, name).settings))
      return isContext ? [name] : []
    }),
  )
  return found.flat()
}

function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isFile(),
    () => false,
  )
}

/** Writes a context, or writes it anew, and chooses it. @param policy text of the trust policy, kept with it */
export async function saveContext(
  world: ConfigWorld,
  name: string,
  settings: PartialSettings,
  policy: string,
  accountKey: string | undefined,
): Promise<ContextFiles> {
  const files = contextFiles(world, name)
  await mkdir(files.folder, { recursive: true, mode: 0o700 })
  // Without settings it is none: a key is never beside the address of a service that it is not for.
  await rm(files.settings, { force: true })
  await writeWhole(files.policy, policy)
  if (accountKey === undefined) await rm(files.accountKey, { force: true })
  else await writeWhole(files.accountKey, `${accountKey}\n`)
  await writeWhole(files.settings, `${JSON.stringify({ ...settings, policy: 'policy.json' }, null, 2)}\n`)
  await chooseContext(world, name)
  return files
}

/** Chooses a context for the commands to come. @throws `CLI_CONFIG` (fix-input) for one that is not there */
export async function chooseContext(world: ConfigWorld, name: string): Promise<void> {
  await requireContext(world, name)
  await writeWhole(currentFile(world), `${name}\n`)
}

/** Removes a context with its account key. @throws `CLI_CONFIG` */
export async function removeContext(world: ConfigWorld, name: string): Promise<void> {
  await requireContext(world, name)
  const { folder, settings, accountKey } = contextFiles(world, name)
  for (const path of [settings, accountKey, folder]) await rm(path, { recursive: true, force: true })
}

/** @throws `CLI_CONFIG` (fix-input) with the names there are */
export async function requireContext(world: ConfigWorld, name: string): Promise<void> {
  const names = await listContexts(world)
  if (names.includes(name)) return
  throw cliError('CLI_CONFIG', `there is no context ${JSON.stringify(name.slice(0, 63))}`, {
    expected: names.join(', ') || 'none yet',
    hint: 'sotto context ls shows them, sotto login makes one',
  })
}
