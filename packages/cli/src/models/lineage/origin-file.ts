import { createHash } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { basename, join, relative, resolve } from 'node:path'
import { MAX_ORIGIN_BYTES, type ModelOrigin, parseModelOrigin } from '@sotto/protocol/training'
import { cliError } from '../../errors.ts'
import type { CommandContext } from '../../framework/index.ts'
import { openInput, readBytes } from '../../input/index.ts'

/** How the file of an origin ends, beside what it is the origin of. */
export const ORIGIN_ENDING = '.origin.json'

/** An origin, and the file that it was read from. */
export interface OriginFile {
  origin: ModelOrigin
  file: string
  /** SHA-256 of the file. */
  digest: string
}

/**
 * The origin that was named, or the one beside a model: `model.origin.json` of `model` and of `model.onnx`, or the only one
 * in a folder.
 * @throws `CLI_USAGE` there is none, or several; `CLI_FILE`, `TRAINING_ORIGIN`
 */
export async function readOrigin(
  { io }: CommandContext,
  model: string,
  given: string | undefined,
): Promise<OriginFile> {
  const file = given ?? relative(io.cwd, await besideModel(resolve(io.cwd, model)))
  const bytes = await readBytes(await openInput(io, [file], 0), MAX_ORIGIN_BYTES)
  return { origin: parseModelOrigin(bytes), file, digest: createHash('sha256').update(bytes).digest('hex') }
}

async function besideModel(model: string): Promise<string> {
  const found = (await isFolder(model))
    ? (await readdir(model)).filter((name) => name.endsWith(ORIGIN_ENDING)).map((name) => join(model, name))
    : await existing([`${model}${ORIGIN_ENDING}`, `${model.replace(/\.[^./]+$/, '')}${ORIGIN_ENDING}`])
  const [one] = found
  if (one !== undefined && found.length === 1) return one
  throw cliError('CLI_USAGE', 'it is open which file is the origin of this model', {
    expected: `a file ${basename(model)}${ORIGIN_ENDING}, which sotto room outputs writes beside a trained model`,
    found: found.map((name) => basename(name)).join(', ') || 'none',
    hint: 'name it with --origin FILE',
  })
}

async function isFolder(path: string): Promise<boolean> {
  const about = await stat(path).catch((cause: unknown) => {
    throw cliError('CLI_FILE', `cannot read ${path}`, { cause })
  })
  return about.isDirectory()
}

async function existing(paths: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    [...new Set(paths)].map(async (path) =>
      (await stat(path).catch(() => undefined)) === undefined ? [] : [path],
    ),
  )
  return found.flat()
}
