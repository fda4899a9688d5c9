import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Collateral, FieldObject } from '@sotto/verifier/family'

/** One vector: a quote of real hardware, what came with it, and what is known about it. */
export interface QuoteVector {
  name: string
  /** Unix seconds. */
  at: number
  evidence: Uint8Array
  collateral: Collateral
  expect: Expectation
}

/** Members of `expect` that decide; the others are fields of the verdict. */
interface Expectation extends FieldObject {
  strict_policy_result: string
}

/** Sentences in `expect` that are no fields. */
const REMARKS = new Set([
  'strict_policy_result',
  'reject_reason',
  'relaxed_policy_result',
  'without_collateral',
  'anchor',
  'policy',
])

const root = join(
  process.env['SOTTO_VECTORS'] ?? resolve(import.meta.dirname, '../../../../../shared/vectors'),
  'attestation',
)

/** Whether there are vectors of a family. With `CI` set, there have to be. */
export function hasVectors(family: string): boolean {
  const isThere = existsSync(join(root, family))
  if (!isThere && process.env['CI']) throw new Error(`vectors are missing: ${join(root, family)}`)
  return isThere
}

/** Folders of a family that have a file of this name. */
export function vectorFolders(family: string, file: string): string[] {
  if (!hasVectors(family)) return []
  return readdirSync(join(root, family), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(`/${file}`))
    .map((name) => dirname(name))
    .sort()
}

/** A file of a vector. */
export function vectorFile(family: string, folder: string, file: string): Uint8Array {
  return new Uint8Array(readFileSync(join(root, family, folder, file)))
}

/** Everything in a folder: the quote, and every other file as collateral under its own name. */
export function loadQuoteVector(family: string, folder: string): QuoteVector {
  const { verify_at, expect } = JSON.parse(
    readFileSync(join(root, family, folder, 'expected.json'), 'utf8'),
  ) as { verify_at: string; expect: Expectation }
  const others = readdirSync(join(root, family, folder)).filter(
    (file) => file !== 'quote.bin' && file !== 'expected.json',
  )
  return {
    name: folder,
    at: Date.parse(verify_at) / 1000,
    evidence: vectorFile(family, folder, 'quote.bin'),
    collateral: Object.fromEntries(others.map((file) => [file, vectorFile(family, folder, file)])),
    expect,
  }
}

/** Fields that a verdict must have with exactly these values. */
export function expectedFields({ expect }: QuoteVector): FieldObject {
  return Object.fromEntries(Object.entries(expect).filter(([name]) => !REMARKS.has(name)))
}
