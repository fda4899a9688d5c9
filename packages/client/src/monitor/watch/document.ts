import { parseCanonicalJson, type JsonValue } from '@sotto/protocol/jcs'

/**
 * A member of a document that no decoder has read yet: what it says of itself even where the rest makes no sense.
 * Undefined where there is none.
 */
export function memberOf(payload: Uint8Array, name: string): JsonValue | undefined {
  let value: JsonValue
  try {
    value = parseCanonicalJson(payload, { maxBytes: payload.length })
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return Object.hasOwn(value, name) ? (value as { readonly [name: string]: JsonValue })[name] : undefined
}
