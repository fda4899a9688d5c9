import { engineError } from '../errors.ts'
import type {
  EmbedRequest,
  EmbedResult,
  Engine,
  EngineInfo,
  EngineModel,
  SummarizeRequest,
  TextEvent,
} from '../types.ts'
import { type ExtractiveConfig, readConfig } from './config.ts'
import { embedText } from './hash-embedding.ts'
import { summarize } from './summarize.ts'
import { countWords } from './words.ts'

const MAX_INPUTS = 2048

/** Deterministic summaries and vectors without learned weights. Tokens in usage are words. */
export function createEngine(): Engine {
  let config: ExtractiveConfig | undefined
  return {
    async load(model: EngineModel): Promise<EngineInfo> {
      config = readConfig(model)
      return config.algorithm === 'lexrank'
        ? { concurrency: 1, operations: ['summarize'] }
        : { concurrency: 1, operations: ['embed'], dimensions: config.dimensions }
    },

    async *summarize(request: SummarizeRequest): AsyncGenerator<TextEvent, void> {
      if (config?.algorithm !== 'lexrank')
        throw engineError('ENGINE_UNSUPPORTED', 'this model does not summarise')
      const sentences = summarize(request)
      let outputTokens = 0
      for (const [index, sentence] of sentences.entries()) {
        const tokens = countWords(sentence)
        outputTokens += tokens
        yield { type: 'delta', text: index === 0 ? sentence : ` ${sentence}`, tokens }
      }
      yield {
        type: 'done',
        finishReason: 'stop',
        usage: { inputTokens: countWords(request.text), outputTokens },
      }
    },

    async embed(request: EmbedRequest): Promise<EmbedResult> {
      if (config?.algorithm !== 'hash-embedding')
        throw engineError('ENGINE_UNSUPPORTED', 'this model does not embed')
      const { inputs, dimensions = config.dimensions } = request
      if (!Array.isArray(inputs) || inputs.length === 0 || inputs.length > MAX_INPUTS) {
        throw engineError('ENGINE_INPUT', 'inputs are not a list of 1 to 2048')
      }
      if (!Number.isSafeInteger(dimensions) || dimensions < 1 || dimensions > config.dimensions) {
        throw engineError('ENGINE_INPUT', 'dimensions are out of bounds', {
          expected: `1 to ${config.dimensions}`,
        })
      }
      let inputTokens = 0
      const vectors: Float32Array[] = []
      for (const input of inputs) {
        if (typeof input !== 'string') throw engineError('ENGINE_UNSUPPORTED', 'this model has no token ids')
        inputTokens += countWords(input)
        vectors.push(embedText(input, config, dimensions))
      }
      return { vectors, usage: { inputTokens, outputTokens: 0 } }
    },

    close: async () => undefined,
  }
}
