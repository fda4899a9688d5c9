import { endOfString, type JsonLimits, type JsonValue, MAX_DEPTH, requireDepth } from './canonical.ts'
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
  // Nothing that is written again has a name twice: a document that comes out the same had none.
  const [, indent] = /^[[{]\n( {1,8})\S/.exec(text) ?? []
  if (JSON.stringify(value, undefined, indent) === text) return value
  const marked = markNames(text)
  // Written again in the order it was read, a document without duplicates is the same document.
  if (JSON.stringify(JSON.parse(marked)) !== marked)
    throw jcsError('JCS_MALFORMED', 'document has a name twice, or a number or text in an unusual spelling')
  return value
}

/** What makes a string a name, in a text that JSON.parse has read: all white space outside strings is that of JSON. */
const COLON = /\s*:/y

/**
 * A JSON text without the white space between its tokens, and with a letter before each name: engines keep
 * names in the order they were read only while none of them is a number. Strings are skipped by hand: a
 * regular expression with a choice in it runs out of stack after some MiB.
 */
function markNames(text: string): string {
  let marked = ''
  let at = 0
  for (;;) {
    const start = text.indexOf('"', at)
    marked += text.slice(at, start < 0 ? text.length : start).replaceAll(/\s+/g, '')
    if (start < 0) return marked
    COLON.lastIndex = at = endOfString(text, start) + 1
    marked += (COLON.test(text) ? '"n' : '"') + text.slice(start + 1, at)
  }
}
