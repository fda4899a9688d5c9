import { getLlama, type Llama, LlamaLogLevel, type LlamaModel, type Token } from 'node-llama-cpp'
import { engineError } from '../errors.ts'
import type { EngineModel, ModelFile } from '../types.ts'
import { requireAlphabet } from './alphabet.ts'
import { type ChatTemplate, createChatTemplate } from './chat-template.ts'
import { unwritableTokens } from './constraint.ts'
import { checkFile } from './check-file.ts'

/** What turns words into tokens and back: everything of a GGUF model but what computes. */
export interface Words {
  readonly llama: Llama
  readonly model: LlamaModel
  readonly template: ChatTemplate
  /** Tokens in the vocabulary. */
  readonly vocabulary: number
  /** See {@link unwritableTokens}. */
  readonly unwritable: readonly number[]
}

/** The one file of a GGUF model. @throws `ENGINE_MODEL_INVALID` */
export function weightsOf(given: Pick<EngineModel, 'files'>): ModelFile {
  const weights = [...given.files.values()].filter((file) => file.role === 'weights')
  if (weights.length === 1) return weights[0]!
  throw engineError('ENGINE_MODEL_INVALID', 'model has not exactly one GGUF file of role weights')
}

/**
 * Loads a GGUF file. `vocabularyOnly`: without its weights, for a process that leaves computing to another.
 * @throws `ENGINE_MODEL_INVALID`
 */
export async function loadWords(
  given: Pick<EngineModel, 'files' | 'threads'>,
  options: { vocabularyOnly: boolean },
): Promise<Words> {
  const { path, size } = weightsOf(given)
  checkFile(path, size)
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
    model = await llama.loadModel({ modelPath: path, gpuLayers: 0, vocabOnly: options.vocabularyOnly })
  } catch (cause) {
    throw engineError('ENGINE_MODEL_INVALID', 'llama.cpp does not accept the model', { cause })
  }
  const { tokenizer } = model.fileInfo.metadata
  const source: unknown = tokenizer?.['chat_template']
  const { bosString, eosString } = model.tokens
  const template = createChatTemplate(typeof source === 'string' ? source : undefined, {
    bos: bosString ?? '',
    eos: eosString ?? '',
  })
  const words: readonly string[] = tokenizer?.ggml?.tokens ?? []
  requireAlphabet(tokenizer?.ggml?.model, words)
  const types: readonly number[] = tokenizer?.ggml?.token_type ?? []
  const isEnd = (token: number): boolean => model.isEogToken(token as Token)
  return {
    llama,
    model,
    template,
    vocabulary: words.length,
    unwritable: unwritableTokens(words, types, isEnd),
  }
}
