/** Where a text may be cut, the best place first: between paragraphs, lines, sentences, words. */
const PLACES = [/\n\s*\n/g, /\n/g, /[.!?…。！？]["'”’)\]]*\s+|[。！？]/gu, /\s+/g]
/** A cut must not leave a part much shorter than it could be. */
const LEAST_SHARE = 0.5

/**
 * Parts of a text, each of at most `maxLength` characters and cut at the best place that there is. Together they are the
 * text, character for character.
 */
export function splitText(text: string, maxLength: number): string[] {
  const parts: string[] = []
  let at = 0
  while (text.length - at > maxLength) {
    const length = cutIn(text.slice(at, at + maxLength))
    parts.push(text.slice(at, at + length))
    at += length
  }
  if (at < text.length) parts.push(text.slice(at))
  return parts
}

function cutIn(window: string): number {
  const least = window.length * LEAST_SHARE
  for (const place of PLACES) {
    let cut = 0
    for (const match of window.matchAll(place)) cut = match.index + match[0].length
    if (cut > least) return cut
  }
  // One word without an end: not between the two halves of a character.
  const last = window.charCodeAt(window.length - 1)
  const isHalf = last >= 0xd800 && last < 0xdc00
  return isHalf && window.length > 1 ? window.length - 1 : window.length
}
