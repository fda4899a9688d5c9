import { engineError } from '../errors.ts'

/** `tokenizer.ggml.model` of vocabularies that write a character that is no word byte by byte. */
const BY_BYTES = 'llama'

/**
 * Refuses a vocabulary that lacks a byte: llama.cpp ends the whole process at a text that needs it (`byte_to_token`), and so whoever
 * made the model would choose the texts that do.
 *
 * @param kind `tokenizer.ggml.model`
 * @param words `tokenizer.ggml.tokens`
 * @throws `ENGINE_MODEL_INVALID`
 */
export function requireAlphabet(kind: unknown, words: readonly string[]): void {
  if (kind !== BY_BYTES) return
  const known = new Set(words)
  for (let byte = 0; byte < 256; byte++) {
    const name = `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`
    const isLetter = byte > 0 && byte < 128 && known.has(String.fromCharCode(byte))
    if (!isLetter && !known.has(name))
      throw engineError('ENGINE_MODEL_INVALID', 'the vocabulary cannot write every text', {
        expected: name,
      })
  }
}
