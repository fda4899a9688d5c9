import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const repository = resolve(import.meta.dirname, '../../../../..')
const folder = resolve(repository, process.env['SOTTO_TESTDATA'] ?? '../shared/testdata', 'audio')

/** Whether the recordings that may not be part of this repository are here. In CI they must be. */
export const hasRecordings: boolean = existsSync(folder)

if (!hasRecordings) {
  const reason = `no recordings in ${folder}: set SOTTO_TESTDATA`
  if (process.env['CI']) throw new Error(reason)
  process.stderr.write(`skipping tests with recordings: ${reason}\n`)
}

/** One recording of the test data. */
export function recording(name: string): Uint8Array {
  return new Uint8Array(readFileSync(join(folder, name)))
}

/** One of the small files beside these tests; `fixtures/make-fixtures.py` made them. */
export function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(join(import.meta.dirname, '../fixtures', name)))
}
