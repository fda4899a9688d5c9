import { isDeeper } from './depth.ts'
import { refused } from './refusals.ts'

/** Longest schema, as JSON, that a client may send. */
const MAX_LENGTH = 64 * 1024
/** How deep schemas stand in each other at most. */
export const MAX_DEPTH = 32

/** Before anything recurses into what a client sends as a schema. @throws `ENGINE_INPUT` */
export function requireBounded(schema: unknown): void {
  // Values in it may nest too.
  if (isDeeper(schema, 4 * MAX_DEPTH)) throw refused('schema is too deep or too large')
  if ((JSON.stringify(schema) ?? '').length > MAX_LENGTH) throw refused('schema is longer than 64 KiB')
}
