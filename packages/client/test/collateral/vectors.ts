import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { choosePieces, type RecognisedPieces } from '@sotto/verifier/family'

/** One case of real evidence. */
export interface Vector {
  id: string
  family: string
  /** Unix seconds. */
  at: number
  expect: Record<string, unknown>
  pieces: Record<string, Uint8Array>
  /** Undefined where nothing in it is evidence, or more than one piece is. */
  recognised: RecognisedPieces | undefined
}

const folder = join(
  process.env['SOTTO_VECTORS'] ?? resolve(import.meta.dirname, '../../../../../shared/vectors'),
  'attestation',
)

/** Whether there are vectors. */
export const present: boolean = existsSync(folder)

/** All cases of these families; none where there are no vectors. */
export function vectorsOf(...families: readonly string[]): Vector[] {
  return families.flatMap((family) =>
    existsSync(join(folder, family)) ? [...walk(join(folder, family))] : [],
  )
}

function* walk(path: string): Generator<Vector> {
  const entries = readdirSync(path, { withFileTypes: true })
  if (!entries.some(({ name }) => name === 'expected.json')) {
    for (const entry of entries) if (entry.isDirectory()) yield* walk(join(path, entry.name))
    return
  }
  const expected = JSON.parse(readFileSync(join(path, 'expected.json'), 'utf8')) as {
    id: string
    family: string
    verify_at?: string
    expect: Record<string, unknown>
  }
  const files = entries.filter((entry) => entry.isFile() && entry.name !== 'expected.json')
  const pieces = Object.fromEntries(
    files.map(({ name }) => [name, new Uint8Array(readFileSync(join(path, name)))]),
  )
  yield {
    id: expected.id,
    family: expected.family,
    at: Date.parse(expected.verify_at ?? '') / 1000,
    expect: expected.expect,
    pieces,
    recognised: choosePieces(pieces),
  }
}
