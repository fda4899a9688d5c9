import type { LlamaModel } from 'node-llama-cpp'
import type { EngineModel } from '../types.ts'
import { piecesOf } from './pieces.ts'
import { loadWords } from './words.ts'

/** The words of a model, without its weights. */
export interface GgufTokenizer {
  /**
   * Tokens of a text, without any that are added; what looks like a special token is text. A long one is read in pieces, so
   * that none ends the process.
   */
  tokenize(text: string): readonly number[]
  /** What the model wants before every context. */
  readonly begin?: number
  /** What says that a text is over. */
  readonly end?: number
  close(): Promise<void>
}

/** Opens the tokenizer of a GGUF model, which its owner controls. @throws `ENGINE_MODEL_INVALID` */
export async function openTokenizer(model: Pick<EngineModel, 'files' | 'threads'>): Promise<GgufTokenizer> {
  const { model: words, llama } = await loadWords(model, { vocabularyOnly: true })
  const { bos, eos, shouldPrependBosToken } = words.tokens
  return {
    tokenize: isOfBytePairs(words)
      ? (text) => Array.from(piecesOf(text), (piece) => words.tokenize(piece, false)).flat()
      : (text) => words.tokenize(text, false),
    ...(bos !== null && shouldPrependBosToken && { begin: bos }),
    ...(eos !== null && { end: eos }),
    close: () => llama.dispose(),
  }
}

function isOfBytePairs({ fileInfo }: LlamaModel): boolean {
  return fileInfo.metadata.tokenizer?.ggml?.model === 'gpt2'
}
