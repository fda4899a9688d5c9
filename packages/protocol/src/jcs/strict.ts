import { type JsonLimits, type JsonValue, MAX_DEPTH, requireDepth } from './canonical.ts'
import { jcsError } from './errors.ts'

/**
 * Parses JSON a person wrote: any white space and any order of names, but no name twice and no
 * number or text in a spelling of its own. (JSON.parse silently keeps the last of two equal names,
 * so a reviewer and the machine would read two different documents.)
 *
 * @throws `JCS_MALFORMED` (fix-input)
 */
export function parseStrictJson(text: string, limits: JsonLimits = {}): JsonValue {
  const maxBytes = limits.maxBytes ?? 65_536
  if (text.length > maxBytes)
    throw jcsError('JCS_MALFORMED', 'document is too long', `at most ${maxBytes}`, `${text.length}`)
  requireDepth(text, limits.maxDepth ?? MAX_DEPTH)
  let value: JsonValue
  try {
    value = JSON.parse(text) as JsonValue
  } catch {
    throw jcsError('JCS_MALFORMED', 'document is not JSON')
  }
  // Written again in the order it was read, a document without duplicates is the same document.
  if (JSON.stringify(value) !== withoutSpace(text))
    throw jcsError('JCS_MALFORMED', 'document has a name twice, or a number or text in an unusual spelling')
  return value
}

/** The text without the white space between its tokens. */
function withoutSpace(text: string): string {
  return text.replaceAll(/("(?:[^"\\]|\\.)*")|[ \t\r\n]+/g, (_match, string?: string) => string ?? '')
}
