import type { Tensor } from 'onnxruntime-node'
import { engineError } from '../errors.ts'
import { idTensor, type Port, type Session, toFloats } from '../onnx/index.ts'
import type { TextTokenizer } from '../tokenizer/index.ts'
import type { EmbedRequest, EmbedResult } from '../types.ts'
import { normalize, pool, type Pooling } from './pooling.ts'

/** Inputs of one request at most. */
export const MAX_INPUTS = 2048
/** UTF-16 units of one input that can still be within the context of a model, generously. */
const MAX_LENGTH_PER_TOKEN = 64

/** A loaded encoder of texts. */
export interface EmbeddingModel {
  readonly session: Session
  readonly tokenizer: TextTokenizer
  readonly pooling: Pooling
  /** Tokens of one input at most, special tokens counted. */
  readonly maxTokens: number
  readonly vocabulary: number
  /** Tokens that go around an input given as ids. */
  readonly around: { readonly before: readonly number[]; readonly after: readonly number[] }
}

/**
 * Embeds texts, each by itself: with padding to a common length the vector of one would depend, if slightly, on
 * the others of the request. The client controls the request.
 *
 * @throws `ENGINE_INPUT` for an empty or too long list, foreign token ids or impossible `dimensions`;
 *   `ENGINE_CONTEXT_OVERFLOW` for an input the model cannot read whole
 */
export async function embed(
  model: EmbeddingModel,
  request: EmbedRequest,
  signal: AbortSignal,
): Promise<EmbedResult> {
  const { inputs, dimensions } = request
  if (inputs.length === 0 || inputs.length > MAX_INPUTS)
    throw engineError('ENGINE_INPUT', 'number of inputs is out of range', { expected: `1..${MAX_INPUTS}` })
  const all = inputs.map((input) => tokensOf(model, input))
  const vectors: Float32Array[] = []
  for (const tokens of all) {
    await new Promise<void>((resolve) => setImmediate(resolve))
    signal.throwIfAborted()
    vectors.push(shorten(await vectorOf(model, tokens), dimensions))
  }
  return {
    vectors,
    usage: { inputTokens: all.reduce((sum, tokens) => sum + tokens.length, 0), outputTokens: 0 },
  }
}

function tokensOf(model: EmbeddingModel, input: string | readonly number[]): number[] {
  const { maxTokens, tokenizer, around, vocabulary } = model
  const tooLong = (found: string): Error =>
    engineError('ENGINE_CONTEXT_OVERFLOW', 'input is longer than the model reads', {
      expected: `at most ${maxTokens} tokens`,
      found,
    })
  if (input.length > maxTokens * MAX_LENGTH_PER_TOKEN) throw tooLong('many more')
  if (input.length === 0) throw engineError('ENGINE_INPUT', 'an input is empty')
  let tokens: number[]
  if (typeof input === 'string') tokens = tokenizer.encode(input.toWellFormed())
  else {
    if (!input.every((id) => Number.isSafeInteger(id) && id >= 0 && id < vocabulary))
      throw engineError('ENGINE_INPUT', 'an input has token ids the model does not know', {
        expected: `0..${vocabulary - 1}`,
      })
    tokens = [...around.before, ...input, ...around.after]
  }
  if (tokens.length > maxTokens) throw tooLong(`${tokens.length}`)
  return tokens
}

async function vectorOf(
  { session, pooling }: EmbeddingModel,
  tokens: readonly number[],
): Promise<Float32Array> {
  const feeds: Record<string, Tensor> = {}
  for (const port of session.inputs) feeds[port.name] = idTensor(valuesFor(port, tokens), tokens.length, port)
  const name = outputOf(session)
  const output = (await session.run(feeds, [name]))[name]!
  const values = toFloats(output)
  const { dims } = output
  if (dims.length === 2 && dims[0] === 1) return values.slice()
  if (dims.length !== 3 || dims[0] !== 1 || dims[1] !== tokens.length)
    throw engineError('ENGINE_MODEL_INVALID', 'model answers with vectors of another shape', {
      expected: '[1, tokens, width]',
      found: `[${dims.join(', ')}]`,
    })
  return pool(values, tokens.length, dims[2]!, pooling)
}

/** @throws `ENGINE_MODEL_INVALID` where the graph answers with nothing that holds vectors */
export function outputOf({ outputs }: Session): string {
  for (const wanted of ['sentence_embedding', 'last_hidden_state', 'token_embeddings'])
    if (outputs.some(({ name }) => name === wanted)) return wanted
  throw engineError('ENGINE_MODEL_INVALID', 'model does not answer with vectors of text', {
    expected: 'sentence_embedding, last_hidden_state or token_embeddings',
  })
}

function valuesFor({ name }: Port, tokens: readonly number[]): readonly number[] {
  switch (name) {
    case 'input_ids':
      return tokens
    case 'attention_mask':
      return tokens.map(() => 1)
    case 'token_type_ids':
      return tokens.map(() => 0)
    case 'position_ids':
      return [...tokens.keys()]
    default:
      throw engineError('ENGINE_MODEL_INVALID', 'model wants an input no known export has', { found: name })
  }
}

function shorten(vector: Float32Array, dimensions: number | undefined): Float32Array {
  if (dimensions === undefined) return normalize(vector)
  if (!Number.isSafeInteger(dimensions) || dimensions < 1 || dimensions > vector.length)
    throw engineError('ENGINE_INPUT', 'dimensions is out of range', { expected: `1..${vector.length}` })
  return normalize(vector.subarray(0, dimensions))
}
