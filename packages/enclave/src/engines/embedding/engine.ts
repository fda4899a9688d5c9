import { engineError } from '../errors.ts'
import { externalFiles, findFile, needFile, openSession, readJson } from '../onnx/index.ts'
import { openTokenizer, type TextTokenizer } from '../tokenizer/index.ts'
import type { Engine, EngineModel } from '../types.ts'
import { embed, type EmbeddingModel, outputOf } from './embed.ts'
import { parsePooling } from './pooling.ts'

/** Graph names of the exports of sentence-transformers and transformers.js. */
const GRAPHS = [
  'model.onnx',
  'model_quantized.onnx',
  'model_int8.onnx',
  'model_uint8.onnx',
  'model_fp16.onnx',
]
/** Tokens a model reads where its files name no bound. */
const DEFAULT_TOKENS = 512
/** Larger values stand for "no limit" in tokenizer files. */
const MOST_TOKENS = 1_000_000

/**
 * Makes the engine for encoders of the BERT kind (MiniLM and others of sentence-transformers): one graph with
 * `config.json` and `tokenizer.json`; `tokenizer_config.json`, `sentence_bert_config.json` and `pooling.json` where
 * there are any.
 */
export function createEmbeddingEngine(): Engine {
  let embedder: EmbeddingModel | undefined
  const loaded = (): EmbeddingModel => {
    if (!embedder) throw engineError('ENGINE_FAILED', 'no model is loaded')
    return embedder
  }
  return {
    load: async (model) => {
      embedder = await openModel(model)
      const { maxTokens } = embedder
      const [first] = (await embed(embedder, { inputs: ['a'] }, new AbortController().signal)).vectors
      return {
        concurrency: 1,
        operations: ['embed', 'tokenize'],
        contextTokens: maxTokens,
        dimensions: first!.length,
      }
    },
    embed: (request, signal) => embed(loaded(), request, signal),
    tokenize: async (text) => loaded().tokenizer.encode(text),
    close: async () => embedder?.session.close(),
  }
}

async function openModel(model: EngineModel): Promise<EmbeddingModel> {
  const config = readJson(needFile(model, 'config.json'))
  const tokenizer = openTokenizer(readJson(needFile(model, 'tokenizer.json')))
  const poolingFile = findFile(model, 'pooling.json')
  const pooling = parsePooling(poolingFile ? readJson(poolingFile) : {})
  const vocabulary = config['vocab_size']
  if (!Number.isSafeInteger(vocabulary))
    throw engineError('ENGINE_MODEL_INVALID', 'config.json lacks vocab_size')
  const session = await openSession(needFile(model, ...GRAPHS).bytes(), {
    threads: model.threads,
    externalData: externalFiles(model),
  })
  try {
    outputOf(session)
  } catch (error) {
    await session.close()
    throw error
  }
  return {
    session,
    tokenizer,
    pooling,
    maxTokens: maxTokensOf(model, config),
    vocabulary: vocabulary as number,
    around: aroundOf(tokenizer),
  }
}

/** The smallest of the bounds that the model's files name. */
function maxTokensOf(model: EngineModel, config: Readonly<Record<string, unknown>>): number {
  const optional = (name: string): Readonly<Record<string, unknown>> => {
    const file = findFile(model, name)
    return file ? readJson(file) : {}
  }
  // RoBERTa and its kin count positions from the padding token on.
  const offset = config['model_type'] === 'bert' ? 0 : 2
  const positions = config['max_position_embeddings']
  const bounds = [
    typeof positions === 'number' ? positions - offset : undefined,
    optional('sentence_bert_config.json')['max_seq_length'],
    optional('tokenizer_config.json')['model_max_length'],
  ].filter((bound): bound is number => typeof bound === 'number' && bound >= 4 && bound <= MOST_TOKENS)
  return bounds.length > 0 ? Math.floor(Math.min(...bounds)) : DEFAULT_TOKENS
}

function aroundOf(tokenizer: TextTokenizer): { before: number[]; after: number[] } {
  const tokens = tokenizer.encode('a')
  const isText = (id: number): boolean => !tokenizer.specialIds.has(id)
  const first = tokens.findIndex(isText)
  const last = tokens.findLastIndex(isText)
  return { before: tokens.slice(0, Math.max(0, first)), after: tokens.slice(last + 1) }
}
