import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { readFolder } from '@sotto/client/node'
import type { EvidencePiece, EvidencePolicy } from '@sotto/verifier/appraisal'
import { choosePieces, recogniseEvidence } from '@sotto/verifier/family'
import { cliError } from '../errors.ts'
import { readEvidence } from '../evidence/index.ts'
import type { Io } from '../framework/index.ts'

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
  if (isFolder) return pieceOf(await readFiles(path, name), name)
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

/** All files of a folder but hidden ones and the index of `sotto collateral fetch`, by name. @throws `CLI_FILE` */
export async function readFiles(path: string, label: string): Promise<Record<string, Uint8Array>> {
  try {
    return await readFolder(path)
  } catch (cause) {
    const { message, expected } = cause as { message: string; expected?: string }
    throw cliError('CLI_FILE', `cannot read ${label}: ${message}`, {
      cause,
      ...(expected !== undefined && { expected }),
    })
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
