import type { TextTokenizer } from '../tokenizer/index.ts'

/** Tokens that make up one word. */
export interface TokenWord {
  readonly text: string
  /** Number of tokens. */
  readonly tokens: number
}

/** Languages written without spaces between words. */
const UNSPACED = new Set(['zh', 'ja', 'th', 'lo', 'my', 'yue'])
/** Marks that belong to the word after them, and to the word before them (openai/whisper). */
const OPENING = new Set(['"', "'", '“', '¿', '(', '[', '{', '-'])
const CLOSING = new Set([
  '"',
  "'",
  '.',
  '。',
  ',',
  '，',
  '!',
  '！',
  '?',
  '？',
  ':',
  '：',
  '”',
  ')',
  ']',
  '}',
  '、',
])
const REPLACEMENT = '\uFFFD'

/** Splits text tokens into words: at spaces, or into characters where the language has none; marks join a word. */
export function splitWords(
  tokens: readonly number[],
  language: string,
  tokenizer: Pick<TextTokenizer, 'decode'>,
): TokenWord[] {
  const characters = splitCharacters(tokens, tokenizer)
  return joinMarks(UNSPACED.has(language) ? characters : joinAtSpaces(characters))
}

/** The fewest tokens at a time that decode to whole characters. */
function splitCharacters(tokens: readonly number[], tokenizer: Pick<TextTokenizer, 'decode'>): TokenWord[] {
  const full = tokenizer.decode(tokens)
  const parts: TokenWord[] = []
  let begin = 0
  let offset = 0
  for (let end = 1; end <= tokens.length; end++) {
    const text = tokenizer.decode(tokens.slice(begin, end))
    const broken = text.indexOf(REPLACEMENT)
    // A replacement character may also be what the model wrote.
    if (broken >= 0 && full[offset + broken] !== REPLACEMENT && end < tokens.length) continue
    parts.push({ text, tokens: end - begin })
    offset += text.length
    begin = end
  }
  return parts
}

function joinAtSpaces(parts: readonly TokenWord[]): TokenWord[] {
  const words: TokenWord[] = []
  for (const part of parts) {
    const last = words.at(-1)
    const stripped = part.text.trim()
    const begins = part.text.startsWith(' ') || (stripped.length === 1 && isMark(stripped)) || !last
    if (begins) words.push(part)
    else words[words.length - 1] = { text: last.text + part.text, tokens: last.tokens + part.tokens }
  }
  return words
}

function isMark(character: string): boolean {
  return OPENING.has(character) || CLOSING.has(character) || /^[!-/:-@[-`{-~]$/.test(character)
}

function joinMarks(words: readonly TokenWord[]): TokenWord[] {
  const opened: TokenWord[] = []
  for (const word of words.toReversed()) {
    const next = opened.at(-1)
    if (next && word.text.startsWith(' ') && OPENING.has(word.text.trim()))
      opened[opened.length - 1] = { text: word.text + next.text, tokens: word.tokens + next.tokens }
    else opened.push(word)
  }
  const closed: TokenWord[] = []
  for (const word of opened.toReversed()) {
    const before = closed.at(-1)
    if (before && !before.text.endsWith(' ') && CLOSING.has(word.text))
      closed[closed.length - 1] = { text: before.text + word.text, tokens: before.tokens + word.tokens }
    else closed.push(word)
  }
  return closed
}
