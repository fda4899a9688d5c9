import { Tokenizer } from '@huggingface/tokenizers'
import { engineError } from '../errors.ts'

/** Turns text into the token ids of one model and back. */
export interface TextTokenizer {
  /** Ids of a text, with the special tokens the model expects around it unless `special` is false. */
  encode(text: string, options?: { readonly special?: boolean }): number[]
  /** Text of ids without special tokens; bytes that form no character become U+FFFD. */
  decode(ids: readonly number[]): string
  /** Id of a token by its exact name. */
  idOf(token: string): number | undefined
  readonly specialIds: ReadonlySet<number>
}

/**
 * Opens a `tokenizer.json`: sentencepiece unigram, byte-level BPE, WordPiece and what else that format holds.
 * The model's owner controls both objects.
 *
 * @param config `tokenizer_config.json`; only the treatment of spaces is taken from it
 * @throws `ENGINE_MODEL_INVALID`
 */
export function openTokenizer(
  definition: Readonly<Record<string, unknown>>,
  config: Readonly<Record<string, unknown>> = {},
): TextTokenizer {
  let tokenizer: Tokenizer
  try {
    tokenizer = new Tokenizer(definition, config)
  } catch (cause) {
    throw engineError('ENGINE_MODEL_INVALID', 'tokenizer.json is not a tokenizer this engine can use', {
      cause,
    })
  }
  const specialIds = new Set<number>()
  for (const [id, token] of tokenizer.get_added_tokens_decoder()) if (token.special) specialIds.add(id)
  const cleanUp = config['clean_up_tokenization_spaces'] === true
  return {
    specialIds,
    encode: (text, { special = true } = {}) => tokenizer.encode(text, { add_special_tokens: special }).ids,
    decode: (ids) => {
      const kept = ids.filter((id) => !specialIds.has(id))
      return kept.length === 0 ? '' : tokenizer.decode(kept, { clean_up_tokenization_spaces: cleanUp })
    },
    idOf: (token) => tokenizer.token_to_id(token),
  }
}
