/**
 * Cuts a text into pieces of at most `limit` tokens, at full stops where it can, else at spaces, else anywhere.
 * The pieces, one after the other, are the text; pieces of white space are dropped.
 *
 * @param count tokens of a piece, without special tokens; taken to add up
 */
export function chunkText(text: string, limit: number, count: (piece: string) => number): string[] {
  const chunks: string[] = []
  let current = ''
  let size = 0
  const close = (): void => {
    if (current.trim() !== '') chunks.push(current)
    current = ''
    size = 0
  }
  for (const piece of pieces(text, limit, count)) {
    const tokens = count(piece)
    if (size + tokens > limit) close()
    current += piece
    size += tokens
  }
  close()
  return chunks
}

function* pieces(text: string, limit: number, count: (piece: string) => number): Generator<string, void> {
  for (const [sentence] of text.matchAll(/[^.]*\.|[^.]+$/g)) {
    if (count(sentence) <= limit) {
      yield sentence
      continue
    }
    for (const [word] of sentence.matchAll(/\s*\S+\s*/g)) yield* halves(word, limit, count)
  }
}

/** Something without spaces, cut in halves until it fits. */
function* halves(word: string, limit: number, count: (piece: string) => number): Generator<string, void> {
  const middle = word.length >> 1
  if (middle === 0 || count(word) <= limit) {
    yield word
    return
  }
  // Not inside a surrogate pair.
  const cut = (word.charCodeAt(middle) & 0xfc00) === 0xdc00 ? middle + 1 : middle
  if (cut === word.length) {
    yield word
    return
  }
  yield* halves(word.slice(0, cut), limit, count)
  yield* halves(word.slice(cut), limit, count)
}
