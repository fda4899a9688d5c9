import type { Digest } from '@sotto/protocol/keyrelease'
import { hex, jcsError } from '@sotto/protocol/jcs'
import { word } from '../../deploy/file/values.ts'

const MAX_PATH = 1024

/** Decoders of the members that say which weights a model has. */
export const WEIGHTS_FIELDS = { digest: hex(32), path: word(MAX_PATH) }

/**
 * Which weights these members name.
 * @param path where they stand
 * @throws `JCS_FIELD` unless exactly one of them is there
 */
export function weightsOf(
  { digest, path: place }: { digest: Digest | undefined; path: string | undefined },
  path: string,
): Digest | { path: string } {
  if (digest !== undefined && place === undefined) return digest
  if (digest === undefined && place !== undefined) return { path: place }
  throw jcsError('JCS_FIELD', `${path}: expected which weights: digest of the model's manifest, or its path`)
}
