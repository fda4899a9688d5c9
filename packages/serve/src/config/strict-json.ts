import { serveError } from '../errors/index.ts'

/** Deepest nesting a configuration may have; far above any real one, far below the stack. */
const MAX_DEPTH = 16

const TOKEN = /[\s:]+|"(?:[^"\\]|\\.)*"|[{}[\],]|[^\s"{}[\],:]+/y

/**
 * Parses JSON and refuses what `JSON.parse` forgives: a key given twice (a reader of the file would
 * believe the first, the program the last), `__proto__` as a key, and nesting deeper than 16.
 * @throws `CONFIG_INVALID`
 */
export function parseStrictJson(text: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw serveError('CONFIG_INVALID', 'the configuration is not JSON', { cause })
  }
  refuseDuplicateKeys(text)
  return value
}

/** Walks the tokens of text that is known to be well-formed JSON. */
function refuseDuplicateKeys(text: string): void {
  const open: (Set<string> | 'array')[] = []
  let isKeyNext = false
  TOKEN.lastIndex = 0
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
    const token = match[0]
    if (token === '{' || token === '[') {
      if (open.push(token === '{' ? new Set() : 'array') > MAX_DEPTH) {
        throw serveError('CONFIG_INVALID', 'the configuration is nested too deeply', {
          expected: `at most ${MAX_DEPTH}`,
        })
      }
      isKeyNext = token === '{'
    } else if (token === '}' || token === ']') {
      open.pop()
      isKeyNext = false
    } else if (token === ',') {
      isKeyNext = open.at(-1) instanceof Set
    } else if (isKeyNext && token.startsWith('"')) {
      addKey(open.at(-1) as Set<string>, JSON.parse(token) as string)
      isKeyNext = false
    }
    if (TOKEN.lastIndex === text.length) return
  }
}

function addKey(keys: Set<string>, key: string): void {
  if (key === '__proto__') throw serveError('CONFIG_INVALID', 'the configuration has a key named __proto__')
  if (keys.has(key)) throw serveError('CONFIG_INVALID', 'the configuration gives a key twice', { found: key })
  keys.add(key)
}
