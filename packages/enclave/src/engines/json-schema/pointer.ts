import { refused, unsupported } from './refusals.ts'

/** An object of a schema, its fields still unknown. */
export type Fields = Readonly<Record<string, unknown>>

/** Whether a value is an object. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What a `$ref` inside its document names (RFC 6901 in a fragment). @throws `ENGINE_UNSUPPORTED`, `ENGINE_INPUT` */
export function lookUp(document: unknown, pointer: unknown): unknown {
  if (typeof pointer !== 'string' || !pointer.startsWith('#')) throw unsupported('a $ref to another document')
  if (pointer !== '#' && !pointer.startsWith('#/')) throw unsupported('a $ref to an anchor')
  let at: unknown = document
  for (const part of pointer.slice(1).split('/').slice(1)) {
    const key = decodePart(part)
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key))
      throw refused('a $ref names nothing')
    at = (at as Fields)[key]
  }
  return at
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
  } catch {
    throw refused('a $ref is malformed')
  }
}
