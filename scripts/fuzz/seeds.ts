import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'

const MAX_SEEDS = 24
const MAX_SEED_BYTES = 128 * 1024

/** Folder of real evidence. */
function vectors(): string {
  return join(
    process.env['SOTTO_VECTORS'] ?? resolve(import.meta.dirname, '../../../shared/vectors'),
    'attestation',
  )
}

/** Real files whose path matches, the small ones first. @throws when there are none: then nothing would be fuzzed */
export function seedsLike(pattern: RegExp): Uint8Array[] {
  const root = vectors()
  if (!existsSync(root)) throw new Error(`no folder ${root}; set SOTTO_VECTORS`)
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((name) => join(root, name))
    .filter((path) => statSync(path).isFile() && pattern.test(relative(root, path)))
    .map((path) => new Uint8Array(readFileSync(path)))
    .filter(({ length }) => length > 0 && length <= MAX_SEED_BYTES)
    .toSorted((a, b) => a.length - b.length)
    .slice(0, MAX_SEEDS)
}

/** A case of real evidence: its files, and when it is to be judged. */
export interface SeedCase {
  family: string
  pieces: Record<string, Uint8Array>
  /** Unix seconds. */
  at: number
}

/** Genuine cases of one family, with all their files. */
export function casesOf(family: string): SeedCase[] {
  const root = vectors()
  if (!existsSync(root)) throw new Error(`no folder ${root}; set SOTTO_VECTORS`)
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('expected.json') && !name.includes('mutations'))
    .flatMap((name) => {
      const text = readFileSync(join(root, name), 'utf8')
      const {
        family: found,
        files,
        verify_at: at,
        dir,
      } = JSON.parse(text) as {
        family: string
        files: string[]
        verify_at: string | null
        dir: string
      }
      if (found !== family) return []
      const pieces = Object.fromEntries(
        files.map((file) => [file, new Uint8Array(readFileSync(join(root, dir, file)))]),
      )
      return [{ family, pieces, at: Date.parse(at ?? '2026-01-01T00:00:00Z') / 1000 }]
    })
}
