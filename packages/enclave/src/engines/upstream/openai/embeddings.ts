import { bad, count, list, number, object } from '../../fields.ts'
import type { EmbedRequest, EmbedResult } from '../../types.ts'

/** Numbers of a vector at most. */
const MAX_DIMENSIONS = 65_536

/** Body of `POST /v1/embeddings`. */
export function embeddingsBody(model: string, { inputs, dimensions }: EmbedRequest): object {
  return { model, input: inputs, encoding_format: 'float', ...(dimensions !== undefined && { dimensions }) }
}

/**
 * The vectors of an answer, in the order of the inputs, of one length, and normalised here: not every server does.
 * @throws `ENGINE_PROTOCOL`
 */
export function decodeEmbeddings(value: unknown, { inputs, dimensions }: EmbedRequest): EmbedResult {
  const f = object(value)
  const vectors: (Float32Array | undefined)[] = Array.from({ length: inputs.length })
  for (const one of list(f['data'], object)) {
    const index = count(one['index'])
    if (index >= inputs.length || vectors[index]) throw bad('a vector for no input')
    vectors[index] = normalised(list(one['embedding'], number))
  }
  const length = vectors[0]?.length
  if (!vectors.every((vector) => vector !== undefined && vector.length === length) || length === 0)
    throw bad('vectors do not match the request')
  if (dimensions !== undefined && length !== dimensions) throw bad('vectors of another length than asked for')
  return {
    vectors: vectors as Float32Array[],
    usage: { inputTokens: count(object(f['usage'])['prompt_tokens']), outputTokens: 0 },
  }
}

function normalised(values: readonly number[]): Float32Array {
  if (values.length > MAX_DIMENSIONS) throw bad('a vector is too long')
  const norm = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0))
  const scale = norm > 0 && Number.isFinite(norm) ? 1 / norm : 1
  return Float32Array.from(values, (value) => value * scale)
}
