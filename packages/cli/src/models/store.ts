import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { cliError } from '../errors.ts'
import { type Manifest, MODEL_ID, parseManifest } from './manifest.ts'

/** Name of the folder, inside the one of all models, that holds interrupted pulls. */
export const PARTIAL = '.partial'

/** A model that lies on this machine, or what is wrong with it. */
export interface StoredModel {
  folder: string
  manifest?: Manifest
  problem?: string
}

/**
 * Where pulled models lie: `dir`, else `$XDG_DATA_HOME/sotto/models`, else `~/.local/share/sotto/models`.
 */
export function modelsFolder(
  world: { env: Readonly<Record<string, string | undefined>>; cwd: string },
  dir?: string,
): string {
  if (dir !== undefined) return resolve(world.cwd, dir)
  const base = world.env['XDG_DATA_HOME'] || join(world.env['HOME'] ?? world.cwd, '.local', 'share')
  return resolve(world.cwd, base, 'sotto', 'models')
}

/** Folder name of a model: `owner/name` is `owner--name`. @throws `CLI_USAGE` for a name no model can have */
export function folderName(id: string): string {
  if (!MODEL_ID.test(id))
    throw cliError('CLI_USAGE', 'a model cannot have that name', {
      expected: 'lower-case letters, digits and . _ - /',
      found: id,
      hint: 'give it another one with --name',
    })
  return id.replaceAll('/', '--')
}

/** All models of a folder by name, and the names of interrupted pulls. An absent folder is empty. */
export async function listModels(root: string): Promise<{ models: StoredModel[]; partial: string[] }> {
  const folders = (await foldersOf(root)).filter((name) => !name.startsWith('.'))
  const models = await Promise.all(folders.map((name) => readModel(join(root, name))))
  return { models, partial: (await foldersOf(join(root, PARTIAL))).filter((name) => !name.endsWith('.old')) }
}

/** The model of one folder. */
export async function readModel(folder: string): Promise<StoredModel> {
  try {
    return { folder, manifest: parseManifest(await readFile(join(folder, 'manifest.json'), 'utf8')) }
  } catch (error) {
    return { folder, problem: (error as Error).message }
  }
}

async function foldersOf(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw cliError('CLI_FILE', `cannot read ${root}`, { cause: error })
  })
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()
}
