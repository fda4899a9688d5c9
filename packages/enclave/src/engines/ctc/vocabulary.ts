import { engineError } from '../errors.ts'

/** What the columns of the logits mean. */
export interface Vocabulary {
  /** Column of the CTC blank. */
  readonly blank: number
  /** Column that parts words, if the model has one. */
  readonly delimiter: number | undefined
  /** Text of a column: a character or a piece, a space for the delimiter, and nothing for special tokens. */
  readonly text: ReadonlyMap<number, string>
}

type Json = Record<string, unknown>

const SPECIAL = /^(?:<[^<>]+>|\[[A-Z]+\])$/
const MAX_TOKENS = 1_000_000

/**
 * Reads the vocabulary of a Wav2Vec2CTCTokenizer, in its fast form (`tokenizer.json`) or its slow one (`vocab.json`).
 * The blank is the padding token. @throws `ENGINE_MODEL_INVALID`
 */
export function parseVocabulary(
  tokenizer: Json | undefined,
  vocab: Json | undefined,
  settings: Json,
  config: Json,
): Vocabulary {
  const decoder = objectAt(tokenizer, 'decoder')
  const entries = Object.entries(objectAt(objectAt(tokenizer, 'model'), 'vocab') ?? vocab ?? {})
  if (entries.length === 0 || entries.length > MAX_TOKENS) throw invalid('model has no vocabulary')
  const ids = new Map<string, number>()
  for (const [token, id] of entries) {
    if (!Number.isSafeInteger(id) || (id as number) < 0) throw invalid('vocabulary is malformed')
    ids.set(token, id as number)
  }
  const padToken = decoder?.['pad_token'] ?? settings['pad_token'] ?? '<pad>'
  const blank = ids.get(String(padToken)) ?? config['pad_token_id']
  if (!Number.isSafeInteger(blank)) throw invalid('model does not name its blank')
  const delimiterToken = decoder?.['word_delimiter_token'] ?? settings['word_delimiter_token'] ?? '|'
  const delimiter = ids.get(String(delimiterToken))
  const text = new Map<number, string>()
  for (const [token, id] of ids) {
    text.set(id, id === delimiter ? ' ' : id === blank || SPECIAL.test(token) ? '' : token)
  }
  return { blank: blank as number, delimiter, text }
}

function objectAt(value: Json | undefined, key: string): Json | undefined {
  const found = value && Object.hasOwn(value, key) ? value[key] : undefined
  return typeof found === 'object' && found !== null && !Array.isArray(found) ? (found as Json) : undefined
}

function invalid(message: string): Error {
  return engineError('ENGINE_MODEL_INVALID', message)
}
