/** A sentence with its place in the text. */
export interface Sentence {
  /** As written, with line breaks and runs of space folded into one space. */
  readonly text: string
  /** 0, 1, 2 ... Paragraphs are parted by an empty line. */
  readonly paragraph: number
  readonly isFirstOfParagraph: boolean
}

/** Titles: when capitalised, their full stop belongs to them. */
const TITLES: ReadonlySet<string> = set(
  'mr mrs ms dr prof rev fr sr jr st mt gen col capt lt sgt hon gov sen rep pres messrs mme mlle',
)
/** Never the end of a sentence. */
const INNER: ReadonlySet<string> = set('e.g i.e cf vs viz ca approx u.s u.k u.n ph.d m.d d.c')
/** Part of what follows when that is a number; ordinary words or ends otherwise. */
const BEFORE_NUMBER: ReadonlySet<string> = set(
  'no nos fig figs vol vols p pp ch sec art eq jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun',
)
/** Often the end of a sentence: then a capital follows. */
const MAY_END: ReadonlySet<string> = set('etc a.m p.m inc ltd co corp al ave blvd rd dept est')

const TERMINATOR = /[.!?…]+["'”’»)\]]*(?=\s|$)|[。！？]+[」』”’）]*/gu
const STARTS_SENTENCE = /^["'“‘«([¿¡]*(?:\p{Lu}|\p{Lt}|\p{Lo}|\p{N})/u
const PARAGRAPH_BREAK = /\r?\n[ \t]*\r?\n|\r?\n(?=[ \t]*(?:[-*•]|\d+[.)])[ \t])/
const WORD_BEFORE = /([\p{L}\p{M}.]+)$/u

/**
 * Splits text into sentences: at `.`, `!`, `?` or `…` with closing quotes, when what follows looks like a beginning
 * and what precedes is neither an abbreviation nor an initial; always at empty lines and list items.
 */
export function splitSentences(text: string): Sentence[] {
  const sentences: Sentence[] = []
  let paragraph = 0
  for (const block of text.split(PARAGRAPH_BREAK)) {
    const before = sentences.length
    for (const piece of splitBlock(block)) {
      const folded = piece.replace(/\s+/gu, ' ').trim()
      if (folded !== '')
        sentences.push({ text: folded, paragraph, isFirstOfParagraph: sentences.length === before })
    }
    if (sentences.length > before) paragraph++
  }
  return sentences
}

function* splitBlock(block: string): Generator<string> {
  let start = 0
  for (const match of block.matchAll(TERMINATOR)) {
    const end = match.index + match[0].length
    if (!endsSentence(block.slice(start, match.index), match[0], block.slice(end, end + 40).trimStart()))
      continue
    yield block.slice(start, end)
    start = end
  }
  yield block.slice(start)
}

function endsSentence(before: string, terminator: string, after: string): boolean {
  if (after === '' || /[。！？]/u.test(terminator)) return true
  if (!STARTS_SENTENCE.test(after)) return false
  if (!terminator.startsWith('.') || terminator.startsWith('..')) return true
  const written = WORD_BEFORE.exec(before.slice(-40))?.[1]
  if (written === undefined) return true
  const word = written.toLowerCase()
  // "J. Smith", "U. S. Army": a single letter is an initial, except the pronoun.
  if (/^\p{L}$/u.test(word) && word !== 'i' && !BEFORE_NUMBER.has(word)) return false
  if (INNER.has(word) || (TITLES.has(word) && written !== word)) return false
  const isNumber = /^\p{N}/u.test(after)
  return !(isNumber && (BEFORE_NUMBER.has(word) || MAY_END.has(word)))
}

function set(words: string): ReadonlySet<string> {
  return new Set(words.split(' '))
}
