import { openAsBlob } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { ModelFiles } from '@sotto/client'
import { modelNameOf } from '@sotto/client/models'
import { MAX_MANIFEST_BYTES, parseModelManifest } from '@sotto/protocol/model-manifest'
import { cliError } from '../errors.ts'

/** Files of a model at most, with its manifest: what is in a folder beside them is refused, not left out. */
const MAX_FILES = 65
/** What people and tools leave in a folder of a model, and no engine reads: origins and bills of materials among it. */
const NOT_OF_THE_MODEL = /^(\.|README|LICENSE|MODEL_CARD|model\.sig$)|\.(origin|cdx)\.json$/i

/**
 * The files of a model on this machine: those of a folder, or one file. They are read when they are needed, piece by
 * piece.
 * @throws `CLI_FILE`, `MODEL_INVALID`
 */
export async function openModelFiles(path: string): Promise<ModelFiles> {
  const names = await namesOf(path)
  if (names === undefined) return { [basename(path)]: await open(path) }
  const kept = names.includes('manifest.json') ? await listedIn(path, names) : names
  if (kept.length === 0) throw cliError('MODEL_INVALID', `${path} holds no file of a model`)
  if (kept.length > MAX_FILES)
    throw cliError('MODEL_INVALID', `${path} holds too many files to be one model`, {
      expected: `at most ${MAX_FILES}`,
      found: `${kept.length}`,
    })
  return Object.fromEntries(
    await Promise.all(kept.map(async (name) => [name, await open(join(path, name))] as const)),
  )
}

/** What a model is called where nobody says so: the last part of its id, or of the name of its file. */
export function nameOf(id: string): string {
  const name = modelNameOf(id)
  if (name !== undefined) return name
  throw cliError('CLI_USAGE', 'the model has no name that could be used', { hint: 'give it one with --name' })
}

/** Names of a folder's files; undefined where `path` is a file. */
async function namesOf(path: string): Promise<string[] | undefined> {
  const about = await stat(path).catch((cause: unknown) => {
    throw cliError('CLI_FILE', `cannot read ${path}`, { cause })
  })
  if (!about.isDirectory()) return undefined
  const entries = await readdir(path, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && !NOT_OF_THE_MODEL.test(entry.name))
    .map(({ name }) => name)
    .sort()
}

/** Beside a manifest only what it lists is of the model. */
async function listedIn(path: string, names: readonly string[]): Promise<string[]> {
  const manifest = await open(join(path, 'manifest.json'))
  const listed = new Set(['manifest.json'])
  try {
    if (manifest.size <= MAX_MANIFEST_BYTES)
      for (const { name } of parseModelManifest(await manifest.text()).files) listed.add(name)
  } catch {
    // Whoever reads the manifest for what it says tells what is wrong with it.
  }
  return names.filter((name) => listed.has(name))
}

async function open(path: string): Promise<Blob> {
  try {
    return await openAsBlob(path)
  } catch (cause) {
    throw cliError('CLI_FILE', `cannot read ${path}`, { cause })
  }
}
