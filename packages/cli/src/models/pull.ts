import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { cliError } from '../errors.ts'
import type { Progress } from '../terminal/index.ts'
import { claimPartial } from './claim.ts'
import { chooseGgufFile, chooseOnnxFiles, type Variant, type WantedFile } from './choose-files.ts'
import { type EngineChoice, engineOf } from './engine-of.ts'
import { fetchFile, type FetchFileOptions } from './fetch-file.ts'
import { sha256IfListed } from './hash-listed.ts'
import type { Hub, HubFile } from './hub.ts'
import { createManifest, type Manifest, type ManifestFile } from './manifest.ts'
import { orDiskError, partName, requireSpace } from './part-file.ts'
import { folderName, PARTIAL, readModel } from './store.ts'

/** What to pull, and where to. */
export interface PullOptions {
  hub: Hub
  /** Name that requests will use. */
  id: string
  /** Folder of all models. */
  root: string
  /** What runs it, where that is known; else `config.json` of the repository says so. */
  choice?: EngineChoice
  /** SPDX identifier, for the manifest. */
  license?: string
  /** Path of the GGUF file on the hub; makes it a GGUF model. */
  file?: string
  /** Default: the smallest that a CPU is good at. */
  variant?: Variant
  /** Model digest (hexadecimal SHA-256) that must come out. */
  digest?: string
  /** Put it in the place of another model of that name. */
  replace?: boolean
  signal: AbortSignal
  createProgress(totalBytes: number): Progress
  /** See {@link FetchFileOptions}. */
  timing?: Pick<FetchFileOptions, 'stallMs' | 'pauseMs'>
}

/** A model that is here now, every byte verified. */
export interface PulledModel {
  manifest: Manifest
  folder: string
  /** It was here before and is still what the hub lists. */
  alreadyHere: boolean
}

/** `config.json` decides about engines; a larger one is something else. */
const MAX_CONFIG_BYTES = 1024 * 1024

/**
 * Fetches a model file by file into `.partial/NAME`, verifies each, and moves the folder into place when all
 * are there: what an interruption leaves is resumed by the next pull and never served.
 *
 * @throws `CLI_HUB`, `CLI_MODEL`, `CLI_MODEL_DIGEST`, `CLI_AUTH`, `CLI_FILE`, `CLI_USAGE`, `CLI_PENDING`
 */
export async function pullModel(options: PullOptions): Promise<PulledModel> {
  const { hub, root, id, signal } = options
  const name = folderName(id)
  const folder = join(root, name)
  const files = await hub.list(signal)
  const partial = join(root, PARTIAL, name)
  const release = await claimPartial(partial)
  try {
    const { choice, wanted } = await planOf(files, partial, options)
    const here = await installed(folder, id, wanted, signal)
    if (here !== undefined) return await alreadyHere(here, folder, partial, options)
    if (!options.replace && (await readdir(folder).catch(() => undefined)) !== undefined)
      throw cliError('CLI_USAGE', `another model, or another version of it, is already named ${id}`, {
        found: folder,
        hint: '--replace puts this one in its place, --name keeps both',
      })
    const fetched = await fetchAll(wanted, partial, options)
    const { manifest, text } = createManifest({
      id,
      ...choice,
      files: fetched,
      ...(options.license !== undefined && { license: options.license }),
      description: `Pulled from ${hub.origin}.`,
    })
    if (options.digest !== undefined && options.digest !== manifest.digest) {
      await rm(partial, { recursive: true, force: true })
      throw otherDigest(options.digest, manifest.digest, 'what was fetched is removed again')
    }
    await keepOnly(partial, fetched)
    await orDiskError(writeManifest(join(partial, 'manifest.json'), text))
    await orDiskError(moveIntoPlace(partial, folder))
    return { manifest, folder, alreadyHere: false }
  } finally {
    await release()
  }
}

/** Decides what to fetch; `config.json`, which decides it for ONNX models, is fetched on the way. */
async function planOf(
  files: readonly HubFile[],
  partial: string,
  { file, variant, choice: known, ...options }: PullOptions,
): Promise<{ choice: EngineChoice; wanted: WantedFile[] }> {
  if (known !== undefined && known.engine !== 'gguf')
    return { choice: known, wanted: chooseOnnxFiles(files, known, variant) }
  const has = (extension: string): boolean => files.some(({ path }) => path.toLowerCase().endsWith(extension))
  if (file !== undefined || (has('.gguf') && !has('.onnx')))
    return { choice: { engine: 'gguf', task: 'text-generation' }, wanted: chooseGgufFile(files, file) }
  const config = files.find(({ path }) => path === 'config.json')
  if (config === undefined || config.size > MAX_CONFIG_BYTES)
    throw cliError('CLI_MODEL', 'the repository has neither a config.json nor a GGUF file', {
      hint: 'only models exported to ONNX or GGUF can be served',
    })
  const quiet = { hub: options.hub, folder: partial, signal: options.signal, onBytes: () => {} }
  await fetchFile({ ...config, name: 'config.json', role: 'config' }, { ...quiet, ...options.timing })
  const choice = engineOf(parseConfig(await readFile(join(partial, 'config.json'), 'utf8')))
  return { choice, wanted: chooseOnnxFiles(files, choice, variant) }
}

function parseConfig(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // The same refusal as for JSON of another kind.
  }
  throw cliError('CLI_MODEL', 'config.json of the repository is not a JSON object')
}

async function fetchAll(
  wanted: readonly WantedFile[],
  partial: string,
  { hub, signal, timing, createProgress }: PullOptions,
): Promise<ManifestFile[]> {
  await requireSpace(partial, await missingBytes(wanted, partial))
  const progress = createProgress(wanted.reduce((sum, { size }) => sum + size, 0))
  const onBytes = (bytes: number): void => progress.advance(bytes)
  const fetched: ManifestFile[] = []
  try {
    for (const file of wanted) {
      const sha256 = await fetchFile(file, { hub, signal, folder: partial, onBytes, ...timing })
      fetched.push({ name: file.name, sha256, size: file.size, role: file.role })
    }
  } finally {
    progress.end()
  }
  return fetched
}

/** Bytes still to come; what lies there of a file counts, right or wrong. */
async function missingBytes(wanted: readonly WantedFile[], partial: string): Promise<number> {
  let missing = 0
  for (const file of wanted) {
    const sizes = [file.name, partName(file)].map((name) => stat(join(partial, name)).catch(() => undefined))
    const there = Math.max(...(await Promise.all(sizes)).map((found) => found?.size ?? 0))
    missing += Math.max(file.size - there, 0)
  }
  return missing
}

/** The manifest of what lies in `folder`, when it is this very model and every byte of it is intact. */
async function installed(
  folder: string,
  id: string,
  wanted: readonly WantedFile[],
  signal: AbortSignal,
): Promise<Manifest | undefined> {
  const { manifest } = await readModel(folder)
  if (manifest === undefined || manifest.id !== id || manifest.files.length !== wanted.length)
    return undefined
  for (const file of wanted) {
    const listed = manifest.files.find(({ name, role }) => name === file.name && role === file.role)
    const sha256 = listed && (await sha256IfListed(join(folder, file.name), file, signal))
    if (sha256 === undefined || sha256 !== listed?.sha256) return undefined
  }
  return manifest
}

async function alreadyHere(
  manifest: Manifest,
  folder: string,
  partial: string,
  { digest }: PullOptions,
): Promise<PulledModel> {
  await rm(partial, { recursive: true, force: true })
  if (digest !== undefined && digest !== manifest.digest)
    throw otherDigest(digest, manifest.digest, 'the model that is here stays as it is')
  return { manifest, folder, alreadyHere: true }
}

function otherDigest(expected: string, found: string, what: string): Error {
  return cliError('CLI_MODEL_DIGEST', `the model has not the digest you require; ${what}`, {
    expected,
    found,
    hint: 'pin the commit with @REVISION and the same --variant or --file as when the digest was taken',
  })
}

/** Removes what earlier pulls of another variant left. */
async function keepOnly(partial: string, files: readonly ManifestFile[]): Promise<void> {
  const kept = new Set(['.lock', ...files.map(({ name }) => name)])
  for (const name of await readdir(partial))
    if (!kept.has(name)) await rm(join(partial, name), { force: true })
}

async function writeManifest(path: string, text: string): Promise<void> {
  const handle = await open(path, 'w', 0o644)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** A reader meets the old model, none, or the new one; never a mixture. */
async function moveIntoPlace(partial: string, folder: string): Promise<void> {
  const old = `${partial}.old`
  await rm(old, { recursive: true, force: true })
  await rm(join(partial, '.lock'), { force: true })
  await rename(folder, old).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  await rename(partial, folder)
  await rm(old, { recursive: true, force: true })
}
