import { type GgufHeader, readGgufHeader, type ReadAt } from '@sotto/protocol/gguf'
import { SottoError } from '@sotto/protocol/errors'
import { engineError } from '../errors.ts'

export type { ReadAt } from '@sotto/protocol/gguf'

/**
 * Walks the header of a GGUF file and refuses one whose numbers do not fit the file. Whoever made the model controls every
 * byte, and the loaders behind this believe its counts: one of 2^60 keeps them busy until somebody ends them.
 *
 * @param wants keys of metadata to keep; default none
 * @throws `ENGINE_MODEL_INVALID`
 */
export function checkGgufHeader(
  read: ReadAt,
  size: number,
  wants: (key: string) => boolean = () => false,
): GgufHeader {
  try {
    return readGgufHeader(read, size, wants)
  } catch (cause) {
    // What reads the file refuses in its own words.
    if (!(cause instanceof SottoError) || !cause.code.startsWith('GGUF_')) throw cause
    throw engineError('ENGINE_MODEL_INVALID', `not a GGUF file that can be loaded: ${cause.message}`)
  }
}
