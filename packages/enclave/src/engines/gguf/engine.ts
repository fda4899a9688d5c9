import { randomInt } from 'node:crypto'
import { getLlama, type Llama, type LlamaContext, LlamaLogLevel, type LlamaModel } from 'node-llama-cpp'
import { engineError } from '../errors.ts'
import type { Engine, EngineInfo, EngineModel, GenerateRequest, TextEvent, TokenLogprob } from '../types.ts'
import { type ChatTemplate, createChatTemplate } from './chat-template.ts'
import { generateText } from './generate.ts'
import { scoreText } from './score.ts'

const MAX_CONCURRENCY = 16
/** Prompt tokens evaluated between two looks at the abort signal. */
const BATCH_TOKENS = 256

/** What a loaded GGUF model consists of. */
export interface Loaded {
  readonly llama: Llama
  readonly model: LlamaModel
  readonly context: LlamaContext
  readonly template: ChatTemplate
  /** Tokens in the vocabulary. */
  readonly vocabulary: number
  readonly batchTokens: number
}

/** Text generation by llama.cpp from a GGUF file in RAM. Every request has a sequence of its own, erased afterwards. */
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
      return required(loaded).model.tokenize(text, false)
    },

    score(text: string, signal: AbortSignal): Promise<readonly TokenLogprob[]> {
      return scoreText(required(loaded), text, signal)
    },

    async close(): Promise<void> {
      await loaded?.llama.dispose()
    },
  }
}

async function load(given: EngineModel): Promise<Loaded> {
  const weights = [...given.files.values()].filter((file) => file.role === 'weights')
  if (weights.length !== 1)
    throw engineError('ENGINE_MODEL_INVALID', 'model has not exactly one GGUF file of role weights')
  const llama = await getLlama({
    build: 'never',
    skipDownload: true,
    gpu: false,
    // llama.cpp would log prompts' tokens and tensor names.
    logLevel: LlamaLogLevel.disabled,
    progressLogs: false,
    maxThreads: given.threads,
  })
  let model: LlamaModel
  try {
    model = await llama.loadModel({ modelPath: weights[0]!.path, gpuLayers: 0 })
  } catch (cause) {
    throw engineError('ENGINE_MODEL_INVALID', 'llama.cpp does not accept the model', { cause })
  }
  const context = await model.createContext({
    sequences: Math.min(MAX_CONCURRENCY, Math.max(1, given.concurrency)),
    contextSize: Math.min(given.contextTokens, model.trainContextSize),
    batchSize: BATCH_TOKENS,
    threads: given.threads,
    // A context smaller than announced would surprise callers later: fail now instead.
    failedCreationRemedy: false,
  })
  const { tokenizer } = model.fileInfo.metadata
  const source: unknown = tokenizer?.['chat_template']
  const { bosString, eosString } = model.tokens
  const template = createChatTemplate(typeof source === 'string' ? source : undefined, {
    bos: bosString ?? '',
    eos: eosString ?? '',
  })
  const vocabulary = tokenizer?.ggml?.tokens?.length ?? 0
  return { llama, model, context, template, vocabulary, batchTokens: BATCH_TOKENS }
}

function required(loaded: Loaded | undefined): Loaded {
  if (!loaded) throw engineError('ENGINE_FAILED', 'no model')
  return loaded
}
