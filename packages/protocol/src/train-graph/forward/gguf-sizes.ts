import { ggufError, type GgufMetadata, wholeOf } from '../../gguf/index.ts'

/** Positions of one example: what attention looks at grows with their square. */
export const MAX_SEQUENCE = 16_384

/** Sizes that every architecture states. */
export interface Sizes {
  /** Positions of one example, which the caller chooses. */
  readonly sequence: number
  readonly width: number
  readonly blocks: number
  readonly feedForward: number
  readonly heads: number
}

/** Entries that {@link readSizes} reads, and those that change nothing. */
const COMMON = [
  'context_length',
  'embedding_length',
  'block_count',
  'feed_forward_length',
  'attention.head_count',
  'vocab_size',
  'tensor_data_layout',
]

/** An architecture, and how much of it is asked for. */
export interface Wanted {
  /** As `general.architecture` names it. */
  readonly architecture: string
  /** Entries of metadata that its graph looks at itself. */
  readonly keys: readonly string[]
  /** Tokens of one example: 1 to {@link MAX_SEQUENCE}, and to what the model was trained for. */
  readonly sequence: number
}

/**
 * Reads the sizes of a model. Whoever made it controls them: each is held against the dimensions of tensors later.
 *
 * @throws `GGUF_MALFORMED`; `GGUF_UNSUPPORTED` for a sequence out of bounds, and for an entry of the architecture that is not
 *   known here: it may change what the model says
 */
export function readSizes(metadata: GgufMetadata, { architecture, keys, sequence }: Wanted): Sizes {
  const known = new Set([...COMMON, ...keys].map((key) => `${architecture}.${key}`))
  for (const key of metadata.keys())
    if (key.startsWith(`${architecture}.`) && !known.has(key))
      throw ggufError('GGUF_UNSUPPORTED', 'file has an entry that its architecture does not have here', key)
  const size = (key: string): number => {
    const found = wholeOf(metadata, `${architecture}.${key}`)
    if (found === undefined || found < 1)
      throw ggufError('GGUF_MALFORMED', 'file lacks a size of its architecture', `${architecture}.${key}`)
    return found
  }
  const trained = size('context_length')
  if (!Number.isInteger(sequence) || sequence < 1 || sequence > Math.min(MAX_SEQUENCE, trained))
    throw ggufError(
      'GGUF_UNSUPPORTED',
      `an example has 1 to ${Math.min(MAX_SEQUENCE, trained)} positions`,
      String(sequence),
    )
  const width = size('embedding_length')
  const heads = size('attention.head_count')
  if (heads > width) throw ggufError('GGUF_MALFORMED', 'a model has more heads than numbers')
  return { sequence, width, heads, blocks: size('block_count'), feedForward: size('feed_forward_length') }
}
