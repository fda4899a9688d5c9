import { editBase64 } from './edit-text.ts'
import type { Random } from './random.ts'

/** A run of base64, base64url or hexadecimal worth changing inside. */
const ENCODED = /^[A-Za-z0-9+/_-]{16,}={0,2}$/

/** One value of a JSON text. */
export interface JsonSpan {
  start: number
  end: number
  /** Where its member begins: at its name, or at the value itself in a list. */
  member: number
  /** Where its name ends; its start where it has none. */
  name: number
}

const SCALARS = [
  'null',
  'true',
  'false',
  '0',
  '-0',
  '-1',
  '1',
  '1.5',
  '1e400',
  '9007199254740991',
  '9007199254740993',
]
const TEXTS = [
  '""',
  '"a"',
  '"\\u0000"',
  '"\\ud800"',
  '"__proto__"',
  '"\\/"',
  '"\u00e2\u0080\u00a8"',
  '"../a"',
  '"0"',
]
const NAMES = ['""', '"__proto__"', '"constructor"', '"toString"', '"0"', '"a"', '"version"', '"\\u0061"']

/**
 * Changes one or two values or names of a JSON document and leaves the rest as it is written, canonical where it
 * was. The document is not read again: its values are found once.
 */
export function editJson(text: string, spans: readonly JsonSpan[], random: Random): Uint8Array {
  const first = random.pick(spans)
  let out = edit(text, first, spans, random)
  // A second change only behind or before the first, where the places still hold.
  if (random.below(4) === 0) {
    const second = random.pick(spans)
    if (second.end < first.member) out = edit(out, second, [second, first], random)
  }
  const made = Buffer.from(out, 'latin1')
  return new Uint8Array(made.buffer, made.byteOffset, made.length)
}

function edit(text: string, span: JsonSpan, spans: readonly JsonSpan[], random: Random): string {
  const { start, end, member, name } = span
  const value = text.slice(start, end)
  const put = (made: string): string => text.slice(0, start) + made + text.slice(end)
  switch (random.below(12)) {
    case 0:
      return put(random.pick(SCALARS))
    case 1:
      return put(random.pick(TEXTS))
    case 2: {
      const other = random.pick(spans)
      return put(text.slice(other.start, other.end))
    }
    case 3:
      return removed(text, member, end)
    case 4: {
      // A long text a 64th of the time: most of the time would go into them.
      const times = random.below(64) === 0 ? 5000 : random.pick([1, 1, 2, 17, 65])
      return (
        text.slice(0, end) +
        `,${text.slice(member, end)}`.repeat(value.length > 500 ? 1 : times) +
        text.slice(end)
      )
    }
    case 5:
      return name === start
        ? put(`[${value}]`)
        : text.slice(0, member) + random.pick(NAMES) + text.slice(name)
    case 6: {
      const levels = random.below(32) === 0 ? 20_000 : random.pick([1, 2, 9, 33])
      return random.below(2)
        ? put('['.repeat(levels) + value + ']'.repeat(levels))
        : put('{"a":'.repeat(levels) + value + '}'.repeat(levels))
    }
    case 7:
      return put(random.below(2) ? '[]' : '{}')
    default:
      return put(changed(value, random))
  }
}

/** A value of the same kind: most refusals of a decoder are about those. */
function changed(value: string, random: Random): string {
  if (value[0] === '"') {
    const inner = value.slice(1, -1)
    if (ENCODED.test(inner) && random.below(2)) return `"${editBase64(inner, random)}"`
    const at = random.below(inner.length + 1)
    switch (random.below(6)) {
      case 0:
        return `"${inner.slice(0, at)}"`
      case 1:
        return `"${inner}${inner.slice(at)}"`
      case 2:
        return `"${inner.toUpperCase()}"`
      case 3:
        return random.below(32) === 0
          ? `"${'A'.repeat(70_000)}"`
          : `"${inner}${'A'.repeat(random.below(300))}"`
      case 4:
        return `"${inner.slice(0, at)}${random.pick([' ', '\\n', '\\u0000', '.', '/', 'Z', '0', '\u00c3\u00a9'])}${inner.slice(at + 1)}"`
      default:
        return `"${inner.slice(0, at)}${inner.slice(at + 1)}"`
    }
  }
  if (/^-?\d/.test(value)) {
    const number = Number(value)
    return `${random.pick([number + 1, number - 1, -number, number * 2, number / 2, 2 ** random.below(64), number * 1e10])}`
  }
  return random.pick(SCALARS)
}

/** Takes a member out, with one of the commas beside it. */
function removed(text: string, member: number, end: number): string {
  if (text[end] === ',') return text.slice(0, member) + text.slice(end + 1)
  const before = text[member - 1] === ',' ? member - 1 : member
  return text.slice(0, before) + text.slice(end)
}

/** Every value of a JSON text, empty for a text that is none. */
export function jsonSpans(text: string): JsonSpan[] {
  if (!/^\s*[{[]/.test(text)) return []
  try {
    JSON.parse(text)
  } catch {
    return []
  }
  const found: JsonSpan[] = []
  const open: JsonSpan[] = []
  let [member, name] = [-1, -1]
  const add = (start: number, end: number): JsonSpan => {
    const span = { start, end, member: member < 0 ? start : member, name: member < 0 ? start : name }
    member = -1
    found.push(span)
    return span
  }
  // Strings, brackets and everything else that is no separator; JSON.parse has seen that the text is whole.
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:]|[^\s,:{}[\]"]+/gs)) {
    const end = index + token.length
    if (token === '{' || token === '[') open.push(add(index, end))
    else if (token === '}' || token === ']') open.pop()!.end = end
    else if (token === ':') [member, name] = nameBefore(found)
    else add(index, end)
  }
  return found
}

/** The string before a colon is a name, no value. */
function nameBefore(found: JsonSpan[]): [number, number] {
  const { start, end } = found.pop()!
  return [start, end]
}
