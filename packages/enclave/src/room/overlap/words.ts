/** Characters that are looked at once: less than a millisecond's. */
const PIECE_CHARACTERS = 4096

/**
 * Words of a text as passages are compared by: letters and digits, without regard to case, width, accents and signs that
 * nobody sees (NFKD without marks, format and control characters and what fonts leave out). What stands between them
 * counts for nothing, so that a passage does not pass for another one by its commas. Letters of another script that look
 * alike are other letters.
 *
 * They come some at a time, for whoever lets others have their turn in between. Where the text is cut for that makes no
 * difference: each character is compared as something that follows from it alone, once marks are gone.
 */
export function* wordsIn(text: string, pieceCharacters: number = PIECE_CHARACTERS): Generator<string[]> {
  /** A word that may go on in the next piece. */
  let begun = ''
  for (const piece of piecesOf(text, pieceCharacters)) {
    const seen = piece.normalize('NFKD').replaceAll(UNSEEN, '')
    if (seen === '') continue
    // Down and up: ß is written SS in capitals, and one Greek capital has two small letters.
    const compared = seen.toLowerCase().toUpperCase()
    const words: string[] = compared.match(WORDS) ?? []
    if (begun !== '' && BEGINS_IN_WORD.test(compared)) words[0] = begun + words[0]!
    else if (begun !== '') words.unshift(begun)
    begun = ENDS_IN_WORD.test(compared) ? words.pop()! : ''
    yield words
  }
  if (begun !== '') yield [begun]
}

// Some letters are ignored by every font, such as the fillers of Hangul: within a word they would make it another one.
const UNSEEN = /[\p{M}\p{Cf}\p{Default_Ignorable_Code_Point}]|(?![\s\u0085])\p{Cc}/gu
// Some scripts have no spaces: there each character is a word.
const WORDS =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]|[[\p{L}\p{N}]--[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]]+/gv
const BEGINS_IN_WORD = /^[[\p{L}\p{N}]--[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]]/v
const ENDS_IN_WORD = /[[\p{L}\p{N}]--[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]]$/v

/** Never between the two halves of a character beyond U+FFFF. */
function* piecesOf(text: string, characters: number): Generator<string> {
  for (let at = 0; at < text.length;) {
    let end = at + characters
    if (text.codePointAt(end - 1)! > 0xffff) end++
    yield text.slice(at, end)
    at = end
  }
}
