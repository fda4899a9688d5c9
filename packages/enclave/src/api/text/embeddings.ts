import { z } from 'zod'
import { toBase64 } from '@sotto/protocol/bytes'
import type { ServedModel } from '../models.ts'
import { given } from '../openai/body.ts'
import { ApiError } from '../openai/errors.ts'
import { noEffect, works } from '../openai/fields.ts'
import { isText, isToken, isTokens, listOf } from '../openai/list.ts'

/** `POST /v1/embeddings`. */
export const embeddingSchema = z.object({
  model: works(z.string().max(256).optional(), 'left out: the first embedding model'),
  input: works(
    z.union([
      z.string(),
      listOf('not a list of token ids', isToken, { min: 1 }),
      listOf('not a list of texts', isText, { min: 1 }),
      listOf('not a list of lists of token ids', isTokens, { min: 1 }),
    ]),
    'a text, texts, token ids, or lists of them; at most 2048',
  ),
  encoding_format: works(z.enum(['float', 'base64']).nullish()),
  dimensions: works(
    z.int().min(1).max(65_536).nullish(),
    '1 to what the model has. `sotto-hash-embed`: each length is a projection of its own, so compare vectors of one length only',
  ),
  user: noEffect('a label for the provider'),
})

/** Inputs of one request at most, as OpenAI allows. */
const MAX_INPUTS = 2048

/**
 * Vectors for every input, as floats or as base64 of little-endian float32.
 * @throws `API_INVALID` for more dimensions than the model has
 */
export async function answerEmbeddings(
  model: ServedModel,
  body: z.infer<typeof embeddingSchema>,
  signal: AbortSignal,
): Promise<Response> {
  const { input } = body
  if (model.dimensions !== undefined && (body.dimensions ?? 0) > model.dimensions)
    throw new ApiError('API_INVALID', `dimensions: this model has ${model.dimensions}`, 'dimensions')
  const inputs =
    typeof input === 'string'
      ? [input]
      : input.every((item) => typeof item === 'number')
        ? [input as number[]]
        : (input as (string | number[])[])
  const request = {
    inputs: inputs.slice(0, MAX_INPUTS + 1),
    ...given({ dimensions: body.dimensions }),
  }
  const { vectors, usage } = await model.embed!(request, signal)
  const encode = (vector: Float32Array): number[] | string =>
    body.encoding_format === 'base64'
      ? toBase64(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength))
      : [...vector]
  return Response.json({
    object: 'list',
    model: model.id,
    data: vectors.map((vector, index) => ({ object: 'embedding', index, embedding: encode(vector) })),
    usage: { prompt_tokens: usage.inputTokens, total_tokens: usage.inputTokens },
  })
}
