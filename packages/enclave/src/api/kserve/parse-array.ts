import type { Datatype } from '@sotto/protocol/tensors'

/**
 * The elements of a JSON array of a tensor, as they nest. Integers of 64 bits that a double cannot hold are strings of
 * their digits.
 *
 * @throws what `JSON.parse` throws, whose words quote the text; `SyntaxError` for a fraction or exponent in a 64-bit integer
 */
export function parseArray(text: string, datatype: Datatype): unknown[] {
  const isLong = datatype === 'INT64' || datatype === 'UINT64'
  // 1.00000000000000001 would be taken for an integer once it is parsed.
  if (isLong && /[.eE]/.test(text)) throw new SyntaxError('no integers')
  const elements = JSON.parse(text) as unknown[]
  return isLong && !isExact(elements) ? withDigits(elements, text) : elements
}

function isExact(level: readonly unknown[]): boolean {
  return level.every((part) => (Array.isArray(part) ? isExact(part) : Number.isSafeInteger(part)))
}

const MINUS = 0x2d
const ZERO = 0x30
const NINE = 0x39

/** Numbers stand in the text in the order of the elements: those that were rounded are looked up there. */
function withDigits(elements: readonly unknown[], text: string): unknown[] {
  let at = 0
  const isPart = (code: number): boolean => (code >= ZERO && code <= NINE) || code === MINUS
  const next = (): [start: number, end: number] => {
    while (at < text.length && !isPart(text.charCodeAt(at))) at++
    const start = at
    while (isPart(text.charCodeAt(at))) at++
    return [start, at]
  }
  const exact = (level: readonly unknown[]): unknown[] =>
    level.map((part) => {
      if (Array.isArray(part)) return exact(part)
      const [start, end] = next()
      return typeof part === 'number' && !Number.isSafeInteger(part) ? text.slice(start, end) : part
    })
  return exact(elements)
}
