import { wordsIn } from '../../../src/room/overlap/words.ts'

/** All words of a text, cut where it is said. */
export function wordsOf(text: string, pieceCharacters?: number): string[] {
  return [...wordsIn(text, pieceCharacters)].flat()
}
