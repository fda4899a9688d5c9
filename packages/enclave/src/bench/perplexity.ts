import { engineError } from '../engines/errors.ts'
import type { EngineProcess } from '../engines/index.ts'

/** What of a text was looked at, and how likely it was. */
export interface Perplexity {
  readonly textTokens: number
  readonly chunkTokens: number
  readonly chunks: number
  readonly scored: number
  readonly nats: number
  readonly squaredNats: number
}

/**
 * Perplexity as `llama-perplexity` of llama.cpp defines it (`tools/perplexity/perplexity.cpp`, without `--ppl-stride`), so
 * that figures compare: the whole text is cut into tokens once, and those into chunks of `wanted` tokens without
 * overlap; what is left over is not looked at. Where the model has a beginning token, one stands before the text and
 * replaces the first token of each chunk. In each chunk the tokens behind its middle are scored, given all before them.
 *
 * @param wanted tokens of a chunk; the model's context where that is smaller
 * @throws `ENGINE_INPUT` for a text of fewer than two chunks, and what the engine throws
 */
export async function measurePerplexity(
  engine: EngineProcess,
  text: string,
  wanted: number,
  onChunk: (done: number, of: number) => void,
): Promise<Perplexity> {
  const chunkTokens = Math.min(wanted, engine.info.contextTokens ?? wanted)
  const own = await engine.tokenize(text)
  const hasBeginning = await prependsBeginning(engine, own)
  const textTokens = own.length + (hasBeginning ? 1 : 0)
  if (textTokens < 2 * chunkTokens)
    throw engineError('ENGINE_INPUT', 'the text is too short to measure perplexity on', {
      expected: `at least ${2 * chunkTokens} tokens of this model`,
      found: `${textTokens} tokens`,
    })
  const chunks = Math.floor(textTokens / chunkTokens)
  const first = Math.floor(chunkTokens / 2)
  let [scored, nats, squaredNats] = [0, 0, 0]
  for (let chunk = 0; chunk < chunks; chunk++) {
    const start = chunk * chunkTokens - (hasBeginning ? 1 : 0)
    // The engine puts the beginning token in front: it takes the place of the chunk's first token.
    const tokens = own.slice(start + (hasBeginning ? 1 : 0), start + chunkTokens)
    // One score for each token but the first of the chunk.
    const scores = await engine.score(tokens)
    if (scores.length !== chunkTokens - 1)
      throw engineError('ENGINE_PROTOCOL', 'the engine did not score every token of a chunk')
    for (const { logprob } of scores.slice(first)) {
      scored++
      nats -= logprob
      squaredNats += logprob * logprob
    }
    onChunk(chunk + 1, chunks)
  }
  return { textTokens, chunkTokens, chunks, scored, nats, squaredNats }
}

/** Whether the engine puts a beginning token before a prompt: two tokens have two scores then, and one without. */
async function prependsBeginning(engine: EngineProcess, tokens: readonly number[]): Promise<boolean> {
  if (tokens.length < 2)
    throw engineError('ENGINE_INPUT', 'the text is too short to measure perplexity on', {
      found: `${tokens.length} tokens`,
    })
  return (await engine.score(tokens.slice(0, 2))).length === 2
}
