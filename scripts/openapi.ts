/**
 * Writes docs/openapi/inference.json from the schemas that read requests, or checks that it says the same.
 * Without arguments it checks; with `--write` it writes.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { inferenceApi } from './openapi/document.ts'

/** The file, as it is to be. */
export function openApiFile(): string {
  return `${JSON.stringify(inferenceApi(), null, 2)}\n`
}

if (import.meta.main) {
  const file = join(resolve(import.meta.dirname, '..'), 'docs', 'openapi', 'inference.json')
  const written = openApiFile()
  if (process.argv.includes('--write')) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, written)
  } else if (!existsSync(file) || readFileSync(file, 'utf8') !== written) {
    process.stderr.write(
      'error: docs/openapi/inference.json differs from the schemas\nhint: node scripts/openapi.ts --write\n',
    )
    process.exitCode = 1
  }
}
