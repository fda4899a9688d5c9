import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { choosePieces, type Collateral, type Family } from '@sotto/verifier/family'

/** Evidence that a vector holds, in the form that verifiers take. */
export interface EvidenceVector {
  family: Family
  /** Absolute. */
  folder: string
  evidence: Uint8Array
  collateral: Collateral
  /** Unix seconds. */
  at: number
}

/** Where the vectors of evidence are. */
export function vectorRoot(): string {
  const shared = process.env['SOTTO_VECTORS'] ?? resolve(import.meta.dirname, '../../../shared/vectors')
  return join(shared, 'attestation')
}

/** Folders of a family that have these files, in the order of their names. */
export function vectorFolders(family: Family, files: readonly string[]): string[] {
  const root = join(vectorRoot(), family)
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((name) => join(root, name))
    .filter((path) => statSync(path).isDirectory())
    .filter((path) => [...files, 'expected.json'].every((file) => readdirSync(path).includes(file)))
    .toSorted()
}

/** Reads one vector. Undefined where it holds nothing that any family knows. */
export function readVector(folder: string): EvidenceVector | undefined {
  const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as {
    files: string[]
    verify_at: string
  }
  const pieces = Object.fromEntries(
    expected.files.map((file) => [file, new Uint8Array(readFileSync(join(folder, file)))]),
  )
  const chosen = choosePieces(pieces)
  return chosen && { ...chosen, folder, at: Date.parse(expected.verify_at) / 1000 }
}
