import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
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
