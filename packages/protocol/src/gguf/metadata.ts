import { ggufError } from './errors.ts'
import type { GgufValue } from './types.ts'

/** Metadata of a file, by key. */
export type GgufMetadata = ReadonlyMap<string, GgufValue>

/**
 * A whole number, of whatever type a writer gave it; undefined where it is absent.
 *
 * @throws `GGUF_MALFORMED` for another type, for one below 0, and for one beyond 2^53
 */
export function wholeOf(metadata: GgufMetadata, key: string): number | undefined {
  const found = metadata.get(key)
  if (found === undefined) return undefined
  const isWhole = found.type.startsWith('uint') || found.type.startsWith('int')
  const value = isWhole && found.type !== 'list' ? Number(found.value) : -1
  if (!Number.isSafeInteger(value) || value < 0) throw unsuited(key, 'whole number')
  return value
}

/** A real number. @throws `GGUF_MALFORMED` for another type, and for one that is not finite */
export function realOf(metadata: GgufMetadata, key: string): number | undefined {
  const found = metadata.get(key)
  if (found === undefined) return undefined
  const isReal = found.type === 'float32' || found.type === 'float64'
  if (!isReal || !Number.isFinite(found.value)) throw unsuited(key, 'real number')
  return found.value
}

/** A text. @throws `GGUF_MALFORMED` for another type */
export function textOf(metadata: GgufMetadata, key: string): string | undefined {
  const found = metadata.get(key)
  if (found === undefined) return undefined
  if (found.type !== 'string') throw unsuited(key, 'text')
  return found.value
}

function unsuited(key: string, expected: string): Error {
  return ggufError('GGUF_MALFORMED', `an entry of metadata is no ${expected}`, key)
}
