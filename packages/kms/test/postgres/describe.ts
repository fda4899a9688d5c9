import { describe } from 'vitest'
import { hasPostgres } from './server.ts'

if (!hasPostgres) {
  const reason = 'PostgreSQL is not installed (Debian: postgresql): its tests are skipped'
  if (process.env['CI'] === 'true') throw new Error(reason)
  process.stderr.write(`note: ${reason}\n`)
}

/** `describe` where PostgreSQL is installed. */
export const describeWithPostgres: typeof describe.skip = hasPostgres ? describe : describe.skip
