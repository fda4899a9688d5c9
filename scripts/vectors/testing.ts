import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { runFamily, type VectorFamily } from './harness.ts'

/** Where the vectors are: SOTTO_VECTORS, or beside the repository. */
export function vectorRoot(): string {
  return process.env['SOTTO_VECTORS'] ?? resolve(import.meta.dirname, '../../../shared/vectors')
}

/**
 * Runs the same cases as `npm run vectors` inside vitest. Without the folder the test is skipped on a
 * laptop and fails in CI, where a silent skip would hide a broken setup.
 */
export function describeVectors(family: VectorFamily): void {
  describe(`vectors of ${family.folder}`, () => {
    const root = vectorRoot()
    const isPresent = existsSync(join(root, family.folder))
    it.skipIf(!isPresent && !process.env['CI'])(
      `passes every case${isPresent ? '' : ` (no folder ${join(root, family.folder)}; set SOTTO_VECTORS)`}`,
      async () => {
        expect(isPresent, `${join(root, family.folder)} is missing`).toBe(true)
        const reports = await runFamily(root, family)
        expect(
          reports.flatMap((report) =>
            report.failures.map((one) => `${report.file}: ${one.name}: ${one.reason}`),
          ),
        ).toEqual([])
        expect(reports.reduce((sum, report) => sum + report.total, 0)).toBeGreaterThan(0)
      },
      60_000,
    )
  })
}

/** Names of the failed cases of one file that exists only in memory. Tests of the runners themselves. */
export async function failuresOf(family: VectorFamily, content: unknown): Promise<string[]> {
  const text = typeof content === 'string' ? content : JSON.stringify(content)
  const failures: string[] = []
  for (const one of family.cases([{ name: 'memory', bytes: utf8(text), text }])) {
    try {
      await one.run()
    } catch {
      failures.push(one.name)
    }
  }
  return failures
}

/** Copies of a vector with one value changed: every hexadecimal string, number and truth value in turn. */
export function* changes(value: unknown, path = ''): Generator<[path: string, changed: unknown]> {
  if (typeof value === 'number') yield [path, value + 1]
  else if (typeof value === 'boolean') yield [path, !value]
  else if (typeof value === 'string') {
    const last = value.at(-1)
    if (last !== undefined && /^(?:[0-9a-f]{2})+$/.test(value))
      yield [path, value.slice(0, -1) + (Number.parseInt(last, 16) ^ 1).toString(16)]
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries())
      for (const [at, changed] of changes(item, `${path}[${index}]`)) yield [at, value.with(index, changed)]
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value))
      for (const [at, changed] of changes(item, `${path}.${key}`)) yield [at, { ...value, [key]: changed }]
  }
}
