const WORD = /[\p{L}\p{M}\p{N}]+(?:['’][\p{L}\p{M}]+)*/gu

/** Frequent English words that say nothing about the subject. */
const STOP_WORDS: ReadonlySet<string> = new Set(
  "a about above after again against all also am an and any are as at be because been before being below between both but by can could did do does doing don't down during each even few for from further get got had has have having he he's her here hers herself him himself his how i i'd i'll i'm i've if in into is isn't it it's its itself just let like made make many may me might more most much must my myself no nor not now of off on once one only or other our ours ourselves out over own per quite rather really same say says said see shall she she's should so some still such than that that's the their theirs them themselves then there there's these they they're this those through to too under until up upon us very was wasn't we we're well were what when where which while who whom why will with without would yes yet you you're your yours yourself".split(
    ' ',
  ),
)

/** Words of a text as written. */
export function wordsOf(text: string): string[] {
  return text.match(WORD) ?? []
}

/** Number of words of a text. */
export function countWords(text: string): number {
  return wordsOf(text).length
}

/** Whether a lower-case word says nothing about the subject. */
export function isStopWord(word: string): boolean {
  return STOP_WORDS.has(word.replaceAll('’', "'"))
}

/**
 * Terms for comparison: lower case, without stop words, with the commonest English endings cut so that
 * "walk", "walks" and "walked" meet. Cruder than a stemmer on purpose: only equality matters.
 */
export function termsOf(text: string): string[] {
  const terms: string[] = []
  for (const word of wordsOf(text.normalize('NFKC').toLowerCase()))
    if (!isStopWord(word)) terms.push(cutEnding(word))
  return terms
}

function cutEnding(word: string): string {
  const stem = word
    .replace(/['’]s$/u, '')
    .replace(/(?<=\p{L}{3})(?:ies)$/u, 'y')
    .replace(/(?<=\p{L}{3})(?:ing|edly|ed|ly|es|s)$/u, '')
  return stem.length >= 3 ? stem.replace(/([^aeiouls])\1$/u, '$1').replace(/e$/u, '') : stem
}
