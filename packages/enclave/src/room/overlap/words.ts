/**
 * Words of a text as passages are compared by: letters and digits, without regard to case, width, accents and signs that
 * nobody sees (NFKD without marks and format characters). What stands between them counts for nothing, so that a passage
 * does not pass for another one by its commas. Letters of another script that look alike are other letters.
 */
export function wordsOf(text: string): string[] {
  return text.normalize('NFKD').replaceAll(UNSEEN, '').toLowerCase().match(WORD) ?? []
}

const UNSEEN = /[\p{M}\p{Cf}]/gu
// Some scripts have no spaces: there each character is a word.
const WORD =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]|[\p{L}\p{N}]+?(?=[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]|[^\p{L}\p{N}]|$)/gu
