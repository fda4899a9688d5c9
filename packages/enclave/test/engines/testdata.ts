import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '../../../..')
const DIRECTORY = resolve(ROOT, process.env.SOTTO_TESTDATA ?? '../shared/testdata')

/** Directory of the default models. */
export const MODELS: string = join(ROOT, 'models')

/** Why tests on foreign recordings and models cannot run here, which it prints; undefined when they can. In CI their absence fails. */
export function testdataMissing(): string | undefined {
  if (existsSync(join(DIRECTORY, 'INDEX.md'))) return undefined
  if (process.env.CI) throw new Error('SOTTO_TESTDATA names no test data, and this is CI')
  const reason = 'no test data: set SOTTO_TESTDATA'
  process.stderr.write(`skipped: ${reason}\n`)
  return reason
}

/** Where a file of the test data is. */
export function testdataPath(path: string): string {
  return join(DIRECTORY, path)
}

/** Bytes of a file of the test data. */
export function testdata(path: string): Uint8Array {
  return readFileSync(testdataPath(path))
}
