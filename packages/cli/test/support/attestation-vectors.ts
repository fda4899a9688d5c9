import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** Folder of recorded evidence of real hardware. */
export const vectors: string = join(
  process.env['SOTTO_VECTORS'] ?? resolve(import.meta.dirname, '../../../../../shared/vectors'),
  'attestation',
)
/** Whether it is there; tests without it are skipped, and said to be. */
export const arePresent: boolean = existsSync(vectors)
if (!arePresent && process.env['CI']) throw new Error(`vectors are missing: ${vectors}`)
if (!arePresent) process.stderr.write(`skipped: evidence of real hardware: no folder ${vectors}\n`)
