import { type LlamaModel, LlamaVocabularyType, type Token } from 'node-llama-cpp'
import { isOnePiece, piecesOf } from './pieces.ts'

/** What divides texts before pairs of bytes are joined (`tokenizer.ggml.pre`), and keeps words with spaces between them together. */
const JOINS_WORDS = 'exaone-moe'

/**
 * Tokens of a text, without any that are added; what looks like a special token is text. Where the text holds what would end
 * the process, it is read in pieces, see {@link piecesOf}; all other texts are read whole.
 */
export function textTokens(model: LlamaModel, text: string): Token[] {
  if (!isOfBytePairs(model)) return [...model.tokenize(text, false)]
  return Array.from(piecesOf(text, joinsWords(model)), (piece) => [...model.tokenize(piece, false)]).flat()
}

/** Whether llama.cpp can read a text at once. One with special tokens cannot be cut: a cut could be within one. */
export function canReadWhole(model: LlamaModel, text: string): boolean {
  return !isOfBytePairs(model) || isOnePiece(text, joinsWords(model))
}

/** Other vocabularies divide no text by regular expressions, and some add a space to each that they read. */
function isOfBytePairs({ vocabularyType }: LlamaModel): boolean {
  return vocabularyType === LlamaVocabularyType.bpe
}

function joinsWords({ fileInfo }: LlamaModel): boolean {
  return fileInfo.metadata.tokenizer?.ggml?.pre === JOINS_WORDS
}
