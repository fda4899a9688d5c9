import { openAsBlob } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { DataFiles } from '@sotto/client/rooms'
import type { InputKind } from '@sotto/protocol/contract'
import { cliError } from '../errors.ts'
import type { Io } from '../framework/index.ts'
import { openModelFiles } from '../owner/index.ts'

/** Files of one input at most: more items than that come as lines of one file. */
const MAX_FILES = 100_000

/**
 * Files of an input by name: those that are named, and those of a folder that is named. They are read piece by piece, as
 * often as needed.
 * @throws `CLI_FILE` unreadable, or two of one name; `MODEL_INVALID`
 */
export async function openDataFiles(
  io: Pick<Io, 'cwd'>,
  kind: InputKind,
  places: readonly string[],
): Promise<{ files: DataFiles; bytes: number }> {
  const paths = places.map((place) => resolve(io.cwd, place))
  const files =
    kind === 'model' && paths.length === 1 ? await openModelFiles(paths[0]!) : await openAll(paths)
  const all = Object.values(files)
  return { files, bytes: all.reduce((sum, { size }) => sum + size, 0) }
}

async function openAll(paths: readonly string[]): Promise<DataFiles> {
  const files: Record<string, Blob> = { __proto__: null as never }
  let found = 0
  for (const path of paths)
    for (const file of await filesAt(path)) {
      const name = basename(file)
      if (name in files)
        throw cliError('CLI_FILE', `two files are called ${name}`, {
          hint: 'their order is that of their names: rename one',
        })
      if (++found > MAX_FILES)
        throw cliError('CLI_FILE', 'these are too many files', { expected: `at most ${MAX_FILES}` })
      files[name] = await openAsBlob(file).catch((cause: unknown) => unreadable(file, cause))
    }
  return files
}

/** A file, or the files of a folder but hidden ones, in order. */
async function filesAt(path: string): Promise<string[]> {
  const about = await stat(path).catch((cause: unknown) => unreadable(path, cause))
  if (!about.isDirectory()) return [path]
  const entries = await readdir(path, { withFileTypes: true })
  const other = entries.find((entry) => !entry.isFile() && !entry.name.startsWith('.'))
  if (other !== undefined)
    throw cliError('CLI_FILE', `${join(path, other.name)} is no file`, {
      hint: 'an input is files of one folder: leave out nothing by accident',
    })
  return entries
    .filter(({ name }) => !name.startsWith('.'))
    .map(({ name }) => join(path, name))
    .sort()
}

function unreadable(path: string, cause: unknown): never {
  throw cliError('CLI_FILE', `cannot read ${path}`, { cause })
}
