import { omsError } from './errors.ts'

/** Nesting of a bundle is 6, with that of its log entries. */
const MAX_DEPTH = 16

/**
 * JSON as other people's tools write it: any white space, escapes and spellings of numbers, but no name
 * twice in one object (JSON.parse would silently keep the last, and another verifier the first).
 *
 * @throws `OMS_MALFORMED` (fix-input)
 */
export function parseForeignJson(text: string, what: string): unknown {
  let value: unknown
  try {
    // Before JSON.parse recurses, and on valid JSON the scan below sees what the parser saw.
    requireBounds(text, what)
    value = JSON.parse(text)
  } catch (cause) {
    if (cause instanceof SyntaxError) throw omsError('OMS_MALFORMED', `${what} is not JSON`)
    throw cause
  }
  requireUniqueNames(text, what)
  return value
}

function requireBounds(text: string, what: string): void {
  let depth = 0
  for (const [, token] of tokens(text)) {
    if (token === '{' || token === '[') {
      if (++depth > MAX_DEPTH) throw omsError('OMS_MALFORMED', `${what} is nested too deeply`)
    } else if (token === '}' || token === ']') depth--
  }
}

function requireUniqueNames(text: string, what: string): void {
  const open: (Set<string> | undefined)[] = []
  for (const [end, token] of tokens(text)) {
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(undefined)
    else if (token === '}' || token === ']') open.pop()
    else if (isName(text, end)) {
      const name = JSON.parse(token) as string
      const names = open.at(-1)
      if (names?.has(name)) throw omsError('OMS_MALFORMED', `${what} has a name twice`, { found: name })
      names?.add(name)
    }
  }
}

/** Brackets, and strings with their quotes; each with the place behind it. */
function* tokens(text: string): Generator<[end: number, token: string]> {
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!
    if (char === '"') {
      const start = at
      for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === '\\') at++
      yield [at + 1, text.slice(start, at + 1)]
    } else if (char === '{' || char === '}' || char === '[' || char === ']') yield [at + 1, char]
  }
}

/** A string is a name when a colon follows. */
function isName(text: string, from: number): boolean {
  let at = from
  while (at < text.length && ' \t\r\n'.includes(text[at]!)) at++
  return text[at] === ':'
}
