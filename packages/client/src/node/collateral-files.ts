import { createReadStream } from 'node:fs'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import {
  type CollateralBundle,
  isPieceName,
  MAX_BUNDLE_PIECE_BYTES,
  MAX_DOCUMENT_BYTES,
  MAX_PIECE_BYTES,
  MAX_PIECES,
  packIndex,
  parseIndex,
  requireDigests,
  unpackCollateral,
} from '@sotto/protocol/collateral-bundle'
import { collateralError } from '../collateral/errors.ts'
import { writeWhole } from './write-whole.ts'

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
    if (found.isDirectory()) return await readIndexed(path)
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
 * What lies in a folder that collateral may be written into: one that is new, empty, or holds a bundle.
 *
 * @throws `COLLATERAL_BUNDLE` for any other, and for what is no folder
 */
export async function requireOwnFolder(folder: string): Promise<string[]> {
  const elsewhere = { hint: 'name another folder, or wait while another command writes this one' }
  let names: string[]
  try {
    names = await readdir(folder)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw collateralError('COLLATERAL_BUNDLE', `cannot write into ${folder}`, {
      cause,
      found: (cause as Error).message,
      ...elsewhere,
    })
  }
  if (names.length > 0 && !names.includes(COLLATERAL_INDEX))
    throw collateralError('COLLATERAL_BUNDLE', `${folder} is not empty, and holds no collateral`, elsewhere)
  return names
}

/**
 * Writes pieces into a folder, each whole or not at all, its index last. Other files of an earlier bundle are
 * removed; a folder that holds anything else is left alone.
 *
 * @throws `COLLATERAL_BUNDLE` as {@link requireOwnFolder}; errors of the file system
 */
export async function writeCollateral(folder: string, bundle: CollateralBundle): Promise<void> {
  const index = packIndex(bundle)
  const before = await requireOwnFolder(folder)
  await mkdir(folder, { recursive: true })
  // Without its index a half-written folder is not taken for the old bundle.
  await rm(join(folder, COLLATERAL_INDEX), { force: true })
  for (const name of before)
    if (isPieceName(name) && !Object.hasOwn(bundle.pieces, name))
      await rm(join(folder, name), { force: true })
  for (const [name, bytes] of Object.entries(bundle.pieces))
    await writeWhole(join(folder, name), bytes, 0o644)
  await writeWhole(join(folder, COLLATERAL_INDEX), index, 0o644)
}

async function readIndexed(folder: string): Promise<CollateralBundle> {
  const pieces = await readFolder(folder)
  const index = join(folder, COLLATERAL_INDEX)
  if (!(await isThere(index))) return { fetchedAt: null, pieces }
  const { fetchedAt, digests } = parseIndex(await readBounded(index, MAX_PIECE_BYTES))
  requireDigests(pieces, digests)
  return { fetchedAt, pieces }
}

/**
 * The files of a folder by name, whatever they are: the index and hidden ones left out.
 *
 * @throws `COLLATERAL_BUNDLE` too many, or too large; errors of the file system
 */
export async function readFolder(folder: string): Promise<Record<string, Uint8Array>> {
  const entries = await readdir(folder, { withFileTypes: true })
  const names = entries
    .filter((entry) => entry.isFile() && entry.name !== COLLATERAL_INDEX && !entry.name.startsWith('.'))
    .map(({ name }) => name)
  if (names.length > MAX_PIECES) throw tooMuch(folder, 'holds too many files', `at most ${MAX_PIECES}`)
  const pieces: Record<string, Uint8Array> = {}
  let total = 0
  for (const name of names.sort()) {
    const piece = await readBounded(join(folder, name), MAX_PIECE_BYTES)
    total += piece.length
    if (total > MAX_BUNDLE_PIECE_BYTES)
      throw tooMuch(folder, 'holds too much', `at most ${MAX_BUNDLE_PIECE_BYTES} bytes`)
    pieces[name] = piece
  }
  return pieces
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

function tooMuch(path: string, problem: string, expected: string): Error {
  return collateralError('COLLATERAL_BUNDLE', `${path} ${problem}`, { expected })
}

/** Not more than one byte over what is allowed, even of a pipe or of a file that grows while it is read. */
async function readBounded(path: string, maxBytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(await buffer(createReadStream(path, { end: maxBytes })))
  if (bytes.length > maxBytes) throw tooMuch(path, 'is too large', `at most ${maxBytes} bytes`)
  return bytes
}
