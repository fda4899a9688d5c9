const [QUOTE, BACKSLASH, COLON, COMMA] = [0x22, 0x5c, 0x3a, 0x2c]
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]

/**
 * The very characters of one member's value in the text of an object, as they stand there: Intel signs those
 * and not the value. White space around the value does not belong to it.
 *
 * @param text JSON that was parsed strictly: no name stands twice, and no name needs an escape
 * @returns undefined when the object has no such member
 */
export function memberSource(text: string, name: string): string | undefined {
  const key = JSON.stringify(name)
  let depth = 0
  /** Where the current value of the outer object begins, once it is the one. */
  let start = -1
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit === QUOTE) {
      const end = endOfString(text, i)
      if (depth === 1 && start < 0 && text.slice(i, end + 1) === key) {
        const colon = skipSpace(text, end + 1)
        if (text.charCodeAt(colon) === COLON) start = colon + 1
      }
      i = end
    } else if (unit === OPEN_OBJECT || unit === OPEN_LIST) depth++
    else if (unit === CLOSE_OBJECT || unit === CLOSE_LIST) depth--
    const isEnd = (depth === 1 && unit === COMMA) || (depth === 0 && unit === CLOSE_OBJECT)
    if (start >= 0 && i >= start && isEnd) return text.slice(start, i).trim()
  }
  return undefined
}

function endOfString(text: string, open: number): number {
  let i = open + 1
  while (i < text.length && text.charCodeAt(i) !== QUOTE) i += text.charCodeAt(i) === BACKSLASH ? 2 : 1
  return i
}

function skipSpace(text: string, from: number): number {
  let i = from
  while (' \t\r\n'.includes(text.charAt(i)) && i < text.length) i++
  return i
}
