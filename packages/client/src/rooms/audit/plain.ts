/** Control, format and separator characters, halves of characters, and what no XML document may have. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\uFFFE\uFFFF]/gu

/**
 * Text of others on one line, as it may be shown: nothing in it moves a cursor, hides or turns what stands around it. The
 * writer of a proof controls titles, arguments and what errors quote.
 */
export function plain(text: string, maxCharacters = 500): string {
  const clean = text.replaceAll(/[\t\n\r]+/g, ' ').replaceAll(UNPRINTABLE, '\uFFFD')
  const characters = [...clean]
  return characters.length <= maxCharacters ? clean : `${characters.slice(0, maxCharacters - 1).join('')}…`
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** {@link plain} text as XML and HTML show it, in elements and in quoted attributes. */
export function markup(text: string, maxCharacters?: number): string {
  return plain(text, maxCharacters).replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!)
}
