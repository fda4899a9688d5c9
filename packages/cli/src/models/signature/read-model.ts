import { lstat, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isWithin, MAX_OMS_SEGMENTS, type ObservedFile, requireSafePath } from '@sotto/protocol/oms'
import { hashFile, type HashOptions } from './hash-file.ts'

/** What belongs to a model, and how it is read. */
export interface ReadOptions extends HashOptions {
  /** Files, and folders with all in them, that are no part of it. */
  ignore: ReadonlySet<string>
}

/** A model as it lies in a folder. */
export interface ModelFiles {
  files: Map<string, ObservedFile>
  /** What can be no part of a signed model, with the reason: links, devices, names nobody can state. */
  refused: Map<string, string>
  /** Which of `ignore` were there. */
  ignored: string[]
}

/** Larger than any model; bounds, with the depth of paths, what a hostile folder can cost. */
const MAX_FILES = 200_000

/**
 * Reads and hashes every file of a model. Nothing outside the folder is read unless links are to be followed, and then
 * links to files only: what a linked folder holds would be found under two names, or without end.
 *
 * @throws Error of the file system when the folder itself cannot be read
 */
export async function readModel(folder: string, options: ReadOptions): Promise<ModelFiles> {
  const model: ModelFiles = { files: new Map(), refused: new Map(), ignored: [] }
  await collect(folder, '', 0, options, model)
  model.ignored.sort()
  return model
}

async function collect(
  folder: string,
  prefix: string,
  depth: number,
  options: ReadOptions,
  model: ModelFiles,
): Promise<void> {
  const names = (await readdir(join(folder, prefix))).sort()
  for (const name of names) {
    options.signal?.throwIfAborted()
    const path = prefix === '' ? name : `${prefix}/${name}`
    if (isWithin(path, options.ignore)) {
      model.ignored.push(path)
      continue
    }
    const kind = await kindOf(join(folder, path), options.followLinks === true)
    const problem = problemOf(path, kind, depth, model)
    if (problem !== undefined) model.refused.set(path, problem)
    else if (kind === 'folder') await collect(folder, path, depth + 1, options, model)
    else model.files.set(path, await hashFile(join(folder, path), options))
  }
}

function problemOf(path: string, kind: Kind, depth: number, model: ModelFiles): string | undefined {
  if (kind !== 'file' && kind !== 'folder') return kind
  if (depth >= MAX_OMS_SEGMENTS) return 'too deep'
  if (model.files.size >= MAX_FILES) return 'too many files'
  try {
    requireSafePath(path)
    return undefined
  } catch {
    return 'a name that no manifest can hold'
  }
}

type Kind = 'file' | 'folder' | 'a link' | 'a link to a folder' | 'neither a file nor a folder' | 'unreadable'

async function kindOf(path: string, followLinks: boolean): Promise<Kind> {
  try {
    const own = await lstat(path)
    const isLink = own.isSymbolicLink()
    if (isLink && !followLinks) return 'a link'
    const what = isLink ? await stat(path) : own
    if (what.isFile()) return 'file'
    if (what.isDirectory()) return isLink ? 'a link to a folder' : 'folder'
    return 'neither a file nor a folder'
  } catch {
    return 'unreadable'
  }
}
