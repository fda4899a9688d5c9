/**
 * Characters (UTF-16) that may follow each other without a boundary. Many vocabularies of byte pairs divide a text by regular
 * expressions, for which llama.cpp needs stack for each character of a match: some 30000, as of digits, end the process. A
 * match is a run of what is no space, at most with one of spaces beside it: 16384 of each vocabulary known to it were tried.
 */
const MAX_RUN = 8192

/**
 * A text in pieces that llama.cpp takes whatever they are: cut within runs of more than 8192 characters that are all space,
 * or all no space, and nowhere else. Hence most texts are one piece, whose tokens are those of the text. No piece ends
 * within a character. Whoever wrote the text controls where it is cut.
 *
 * @param joinsWords whether a match may hold words with spaces between them
 */
export function* piecesOf(text: string, joinsWords = false): Generator<string> {
  let start = 0
  // Behind the last character that is certainly space, and behind the last that is certainly none.
  let word = 0
  let space = 0
  for (let at = 0; at < text.length;) {
    const point = text.codePointAt(at)!
    const end = at + (point > 0xffff ? 2 : 1)
    if (end - Math.min(word, space) > MAX_RUN) {
      yield text.slice(start, at)
      start = word = space = at
    }
    const kind = kindOf(point)
    if (kind === 'space' && !(joinsWords && point === 0x20)) word = end
    if (kind === 'word') space = end
    at = end
  }
  if (start < text.length) yield text.slice(start)
}

/** Whether a text is one piece. */
export function isOnePiece(text: string, joinsWords = false): boolean {
  return text.length <= MAX_RUN || piecesOf(text, joinsWords).next().value!.length === text.length
}

/** What a character is to every regular expression; some are space to one and none to another, and end no run. */
function kindOf(point: number): 'space' | 'word' | 'either' {
  if (point === 0x20 || (point >= 0x09 && point <= 0x0d)) return 'space'
  if (point < 0x20 || (point >= 0x7f && point <= 0xa0)) return 'either'
  if (point >= 0x2000 && point <= 0x206f) return 'either'
  return OTHER_SPACES.has(point) ? 'either' : 'word'
}

/** Ogham's, Mongolian's, the ideographic space, and the one without width. */
const OTHER_SPACES: ReadonlySet<number> = new Set([0x1680, 0x180e, 0x3000, 0xfeff])
