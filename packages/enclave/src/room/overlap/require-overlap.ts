import { createGiveWay } from '../../pause/index.ts'
import { roomRoleError } from '../errors.ts'
import { LongestPassage } from './longest-passage.ts'
import { wordsIn } from './words.ts'

/** Characters of an output that is compared: the comparison takes some hundred bytes for each word. */
const MAX_COMPARED_CHARACTERS = 2_000_000
/** The same in words: some scripts have one in each character, or several. */
const MAX_COMPARED_WORDS = 250_000

/**
 * That an output repeats no longer passage of any text than its owners allow. Outputs of several items are compared as a
 * whole: a passage that goes on in the next item is one. Gigabytes of texts take minutes, in which others have their turns.
 * @param output its words; undefined where it is no text, which nobody can compare
 * @param texts all that the run read, and transcripts that it made on the way
 * @param maxWords of the strictest owner
 * @returns the longest passage found, in words
 * @throws `ROOM_OVERLAP`, `ROOM_OUTPUT`, the reason of `signal`
 */
export async function requireOverlap(
  output: string | undefined,
  texts: Iterable<string>,
  maxWords: number,
  signal?: AbortSignal,
): Promise<number> {
  if (output === undefined)
    throw roomRoleError('ROOM_OVERLAP', 'what the run made is no text, so that nobody can compare it', {
      expected: `a text that repeats at most ${maxWords} words`,
    })
  if (output.length > MAX_COMPARED_CHARACTERS)
    throw roomRoleError('ROOM_OUTPUT', 'what the run made is too long to be compared', {
      expected: `at most ${MAX_COMPARED_CHARACTERS} characters`,
    })
  const giveWay = createGiveWay()
  const passage = new LongestPassage()
  let count = 0
  for (const words of wordsIn(output)) {
    count += words.length
    if (count > MAX_COMPARED_WORDS)
      throw roomRoleError('ROOM_OUTPUT', 'what the run made has too many words to be compared', {
        expected: `at most ${MAX_COMPARED_WORDS} words`,
      })
    passage.add(words)
    await giveWay(signal)
  }
  for (const text of texts) {
    passage.startNext()
    for (const words of wordsIn(text)) {
      passage.read(words)
      await giveWay(signal)
    }
  }
  // How long it is would tell something of the text: the owner's number is what is known.
  if (passage.longest > maxWords)
    throw roomRoleError('ROOM_OVERLAP', 'an output repeats a longer passage than an owner allows', {
      expected: `at most ${maxWords} words`,
    })
  return passage.longest
}
