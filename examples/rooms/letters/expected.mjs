/** The rule of words, computed without the room: word by word, in the time of the product of both texts. */

/** Letters and digits, without regard to case. */
const wordsOf = (text) => text.toLowerCase().match(/[a-z0-9]+/g) ?? []

/**
 * Words of the longest passage of any letter that all summaries together repeat.
 * @param {readonly string[]} summaries @param {readonly string[]} letters
 */
export function longestPassage(summaries, letters) {
  const said = wordsOf(summaries.join('\n'))
  return Math.max(0, ...letters.map((letter) => longestIn(said, wordsOf(letter))))
}

function longestIn(said, letter) {
  let longest = 0
  // How long a passage ends at each word of the letter, and at the one of the summary before.
  let before = []
  for (const word of said) {
    const here = letter.map((other, at) => (other === word ? (at === 0 ? 0 : (before[at - 1] ?? 0)) + 1 : 0))
    longest = Math.max(longest, ...here)
    before = here
  }
  return longest
}
