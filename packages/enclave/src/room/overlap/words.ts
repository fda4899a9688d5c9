/**
 * Words of a text as passages are compared by: letters and digits, without regard to case, width, accents and signs that
 * nobody sees (NFKD without marks, format and control characters and what fonts leave out). What stands between them
 * counts for nothing, so that a passage does not pass for another one by its commas. Letters of another script that look
 * alike are other letters.
 */
export function wordsOf(text: string): string[] {
  const seen = text.normalize('NFKD').replaceAll(UNSEEN, '')
  // Down and up: ß is written SS in capitals, and one Greek capital has two small letters.
  return seen.toLowerCase().toUpperCase().match(WORD) ?? []
}

// Some letters are ignored by every font, such as the fillers of Hangul: within a word they would make it another one.
const UNSEEN = /[\p{M}\p{Cf}\p{Default_Ignorable_Code_Point}]|(?![\s\u0085])\p{Cc}/gu
// Some scripts have no spaces: there each character is a word.
const WORD =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]|[\p{L}\p{N}]+?(?=[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]|[^\p{L}\p{N}]|$)/gu
