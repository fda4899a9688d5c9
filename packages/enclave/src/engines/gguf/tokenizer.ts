import type { EngineModel } from '../types.ts'
import { textTokens } from './tokens.ts'
import { loadWords } from './words.ts'

/** The words of a model, without its weights. */
export interface GgufTokenizer {
  /** Tokens of a text, as an engine of this model reads it: see {@link textTokens}. */
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
    tokenize: (text) => textTokens(words, text),
    ...(bos !== null && shouldPrependBosToken && { begin: bos }),
    ...(eos !== null && { end: eos }),
    close: () => llama.dispose(),
  }
}
