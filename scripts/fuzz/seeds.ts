import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'

const MAX_SEEDS = 24
const MAX_SEED_BYTES = 128 * 1024

/** Folder of real evidence. */
const ROOT = join(
  process.env['SOTTO_VECTORS'] ?? resolve(import.meta.dirname, '../../../shared/vectors'),
  'attestation',
)

/** Whether there is real evidence to start from. */
export function hasVectors(): boolean {
  return existsSync(ROOT)
}

/** Real files whose path matches, the small ones first. Empty without a folder. */
export function seedsLike(pattern: RegExp): Uint8Array[] {
  if (!hasVectors()) return []
  const seeds = readdirSync(ROOT, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => pattern.test(relative(ROOT, path)))
    .map((path) => new Uint8Array(readFileSync(path)))
  return smallest(seeds)
}

/** Distinct seeds, the small ones first. */
export function smallest(seeds: readonly Uint8Array[]): Uint8Array[] {
  const distinct = new Map(seeds.map((bytes) => [Buffer.from(bytes).toString('latin1'), bytes]))
  return [...distinct.values()]
    .filter(({ length }) => length > 0 && length <= MAX_SEED_BYTES)
    .toSorted((a, b) => a.length - b.length)
    .slice(0, MAX_SEEDS)
}

/** Reference manifests with a few of their hundred alike elements, and a whole one. */
export function manifests(): Uint8Array[] {
  const whole = seedsLike(/rim.*\.xml$/)
  const short = whole.map((bytes) => {
    let left = 4
    const text = Buffer.from(bytes).toString('latin1')
    const less = text.replaceAll(/<(?:\w+:)?Resource\b[^>]*\/>\s*/g, (element) => (left-- > 0 ? element : ''))
    return new Uint8Array(Buffer.from(less, 'latin1'))
  })
  return [...smallest(short), ...whole.slice(0, 1)]
}

/** A case of real evidence: its files, and when it is to be judged. */
export interface SeedCase {
  family: string
  pieces: Record<string, Uint8Array>
  /** Unix seconds. */
  at: number
}

/** Genuine cases of one family, with all their files. Empty without a folder. */
export function casesOf(family: string): SeedCase[] {
  if (!hasVectors()) return []
  return readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('expected.json') && !name.includes('mutations'))
    .flatMap((name) => {
      const text = readFileSync(join(ROOT, name), 'utf8')
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
        files.map((file) => [file, new Uint8Array(readFileSync(join(ROOT, dir, file)))]),
      )
      return [{ family, pieces, at: Date.parse(at ?? '2026-01-01T00:00:00Z') / 1000 }]
    })
}
