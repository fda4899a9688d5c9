import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import {
  type CollateralBundle,
  isPieceName,
  MAX_DOCUMENT_BYTES,
  MAX_PIECE_BYTES,
  MAX_PIECES,
  packIndex,
  parseIndex,
  requireDigests,
  unpackCollateral,
} from '../collateral/bundle/index.ts'
import { collateralError } from '../collateral/errors.ts'

/** Index of a folder: what lay in it when it was written. */
export const COLLATERAL_INDEX = 'sotto-collateral.json'

/**
 * Reads collateral: a packed document, or a folder of pieces. A folder with an index must hold exactly what
 * the index says; one without is taken as it is, which is no less safe, because verifiers prove every piece.
 *
 * @throws `COLLATERAL_BUNDLE`
 */
export async function readCollateral(path: string): Promise<CollateralBundle> {
  try {
    const found = await stat(path)
    if (found.isDirectory()) return await readFolder(path)
    return unpackCollateral(await readBounded(path, MAX_DOCUMENT_BYTES))
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'SottoError') throw cause
    throw collateralError('COLLATERAL_BUNDLE', `cannot read ${path}`, {
      cause,
      hint: 'name a folder that sotto collateral fetch wrote, or a file that sotto collateral pack wrote',
    })
  }
}

/**
 * Writes pieces into a folder, each whole or not at all, its index last. Other files of an earlier bundle are
 * removed; a folder that holds anything else is left alone.
 *
 * @throws `COLLATERAL_BUNDLE` for a folder that is not empty and has no index; errors of the file system
 */
export async function writeCollateral(folder: string, bundle: CollateralBundle): Promise<void> {
  const index = packIndex(bundle)
  await mkdir(folder, { recursive: true })
  const before = await readdir(folder)
  if (before.length > 0 && !before.includes(COLLATERAL_INDEX))
    throw collateralError('COLLATERAL_BUNDLE', `${folder} is not empty, and holds no collateral`, {
      hint: 'name another folder',
    })
  // Without its index a half-written folder is not taken for the old bundle.
  await rm(join(folder, COLLATERAL_INDEX), { force: true })
  for (const name of before)
    if (isPieceName(name) && !Object.hasOwn(bundle.pieces, name))
      await rm(join(folder, name), { force: true })
  for (const [name, bytes] of Object.entries(bundle.pieces)) await writeWhole(folder, name, bytes)
  await writeWhole(folder, COLLATERAL_INDEX, index)
}

async function readFolder(folder: string): Promise<CollateralBundle> {
  const entries = await readdir(folder, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name)
  if (names.length > MAX_PIECES + 1)
    throw collateralError('COLLATERAL_BUNDLE', `${folder} holds too many files`, {
      expected: `at most ${MAX_PIECES}`,
    })
  const pieces: Record<string, Uint8Array> = {}
  for (const name of names.sort())
    if (name !== COLLATERAL_INDEX) pieces[name] = await readBounded(join(folder, name), MAX_PIECE_BYTES)
  if (!names.includes(COLLATERAL_INDEX)) return { fetchedAt: null, pieces }
  const { fetchedAt, digests } = parseIndex(
    await readBounded(join(folder, COLLATERAL_INDEX), MAX_PIECE_BYTES),
  )
  requireDigests(pieces, digests)
  return { fetchedAt, pieces }
}

/** Not more than one byte over what is allowed, even of a pipe or of a file that grows while it is read. */
async function readBounded(path: string, maxBytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(await buffer(createReadStream(path, { end: maxBytes })))
  if (bytes.length > maxBytes)
    throw collateralError('COLLATERAL_BUNDLE', `${path} is too large`, {
      expected: `at most ${maxBytes} bytes`,
    })
  return bytes
}

async function writeWhole(folder: string, name: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(folder, `.${name}.${randomUUID()}`)
  const file = await open(temporary, 'wx', 0o644)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, join(folder, name))
}
