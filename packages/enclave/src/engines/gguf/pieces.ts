/**
 * Characters (UTF-16) that are tokenised at once. Many vocabularies of byte pairs divide a text by a regular expression, for which
 * llama.cpp needs stack for each character: some 30000 of one kind, as digits, end the process.
 */
const MAX_PIECE = 8192

/** A text in pieces that llama.cpp takes whatever they are: none ends within a character. */
export function* piecesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length;) {
    let end = Math.min(at + MAX_PIECE, text.length)
    if (end < text.length && isHigh(text.charCodeAt(end - 1))) end--
    yield text.slice(at, end)
    at = end
  }
}

/** Whether this is the first half of a character, or alone. */
function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00
}
