import { readdir, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { EvidencePiece, EvidencePolicy } from '@sotto/verifier/appraisal'
import { choosePieces, recogniseEvidence } from '@sotto/verifier/family'
import { cliError } from '../errors.ts'
import { readEvidence } from '../evidence/index.ts'
import type { Io } from '../framework/index.ts'

/** Pieces of one machine: a processor, its token, and GPUs. */
const MAX_FILES = 64
const MAX_PIECE_BYTES = 4 * 1024 * 1024

/**
 * One piece of evidence: a file of evidence alone, or a folder that holds one with its collateral, told apart
 * by content. Names mean nothing.
 * @throws `CLI_FILE` neither, or more than one piece in a folder
 */
export async function readPiece(io: Io, name: string): Promise<EvidencePiece> {
  const path = resolve(io.cwd, name)
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
  if (isFolder) return pieceOf(await readFolder(path, name), name)
  const evidence = await readEvidence(io, name)
  const family = recogniseEvidence(evidence)
  if (family === undefined) throw noEvidence(name)
  return { family, evidence, collateral: {} }
}

/** The piece of evidence among files. @throws `CLI_FILE` none, or more than one */
export function pieceOf(files: Record<string, Uint8Array>, label: string): EvidencePiece {
  const chosen = choosePieces(files)
  if (chosen === undefined) throw noEvidence(label)
  return chosen
}

/** All files of a folder but hidden ones, by name. @throws `CLI_FILE` */
export async function readFolder(path: string, label: string): Promise<Record<string, Uint8Array>> {
  try {
    const entries = await readdir(path, { withFileTypes: true })
    const names = entries
      .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
      .map(({ name }) => name)
    if (names.length > MAX_FILES) throw cliError('CLI_FILE', `${label} holds more than ${MAX_FILES} files`)
    const files: Record<string, Uint8Array> = {}
    for (const name of names.sort()) {
      const file = join(path, name)
      if ((await stat(file)).size > MAX_PIECE_BYTES)
        throw cliError('CLI_FILE', `${label}/${name} is too large`)
      files[name] = new Uint8Array(await readFile(file))
    }
    return files
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'SottoError') throw cause
    throw cliError('CLI_FILE', `cannot read ${label}`, { cause })
  }
}

/** Reports of the software TEE look like those of SEV-SNP; a policy about software means software. */
export function asPolicyMeans(piece: EvidencePiece, { anyOf }: EvidencePolicy): EvidencePiece {
  const isSoftware = anyOf.every(({ allOf }) => allOf.some(({ family }) => family === 'software'))
  return isSoftware && piece.family === 'sev-snp' ? { ...piece, family: 'software' } : piece
}

function noEvidence(label: string): Error {
  return cliError('CLI_FILE', `${label} holds no evidence, or more than one piece of it`, {
    hint: 'name the file that holds the report, quote, document or token, or a folder with one and its collateral',
  })
}
