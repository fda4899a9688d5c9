import { randomInt } from 'node:crypto'
import type { LlamaContext, LlamaContextOptions, LlamaModel } from 'node-llama-cpp'
import { engineError } from '../errors.ts'
import type {
  Engine,
  EngineInfo,
  EngineModel,
  GenerateRequest,
  ModelFile,
  TextEvent,
  TokenLogprob,
} from '../types.ts'
import { adapterOf, architectureOf, checkAdapter } from './adapter.ts'
import { generateText } from './generate.ts'
import { scoreText } from './score.ts'
import { Sequences } from './sequences.ts'
import { textTokens } from './tokens.ts'
import { loadWords, type Words } from './words.ts'

const MAX_CONCURRENCY = 16
/** Prompt tokens evaluated between two looks at the abort signal. */
const BATCH_TOKENS = 256

/** What a loaded GGUF model consists of. */
export interface Loaded extends Words {
  readonly context: LlamaContext
  readonly sequences: Sequences
  readonly batchTokens: number
}

/**
 * Text generation by llama.cpp from a GGUF file in RAM, with an adapter beside it where the model has one. Every request has
 * a sequence of its own, erased afterwards.
 */
export function createEngine(): Engine {
  let loaded: Loaded | undefined
  return {
    async load(model: EngineModel): Promise<EngineInfo> {
      loaded = await load(model)
      return {
        concurrency: loaded.context.totalSequences,
        operations: ['generate', 'tokenize', 'score'],
        contextTokens: loaded.context.contextSize,
      }
    },

    generate(request: GenerateRequest, signal: AbortSignal): AsyncIterable<TextEvent> {
      return generateText(required(loaded), request, signal, () => randomInt(2 ** 32))
    },

    async tokenize(text: string): Promise<readonly number[]> {
      return textTokens(required(loaded).model, text)
    },

    score(text: string | readonly number[], signal: AbortSignal): Promise<readonly TokenLogprob[]> {
      return scoreText(required(loaded), text, signal)
    },

    async close(): Promise<void> {
      await loaded?.llama.dispose()
    },
  }
}

async function load(given: EngineModel): Promise<Loaded> {
  const adapter = adapterOf(given)
  const words = await loadWords(given, { vocabularyOnly: false })
  const { model } = words
  if (adapter) checkAdapter(adapter, architectureOf(model))
  const options: LlamaContextOptions = {
    sequences: Math.min(MAX_CONCURRENCY, Math.max(1, given.concurrency)),
    contextSize: Math.min(given.contextTokens, model.trainContextSize),
    batchSize: BATCH_TOKENS,
    threads: given.threads,
    // A context smaller than announced would surprise callers later: fail now instead.
    failedCreationRemedy: false,
  }
  const context = adapter ? await adapted(model, adapter, options) : await model.createContext(options)
  return { ...words, context, sequences: new Sequences(context), batchTokens: BATCH_TOKENS }
}

/** A context all of whose sequences have the adapter. */
async function adapted(
  model: LlamaModel,
  { path }: ModelFile,
  options: LlamaContextOptions,
): Promise<LlamaContext> {
  try {
    return await model.createContext({ ...options, lora: { adapters: [{ filePath: path, scale: 1 }] } })
  } catch (cause) {
    throw engineError('ENGINE_MODEL_INVALID', 'llama.cpp does not accept the adapter for this model', {
      cause,
    })
  }
}

function required(loaded: Loaded | undefined): Loaded {
  if (!loaded) throw engineError('ENGINE_FAILED', 'no model')
  return loaded
}
