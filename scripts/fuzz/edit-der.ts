import { concat } from '@sotto/protocol/bytes'
import type { Random } from './random.ts'
import { replaceSpan, type Span } from './spans.ts'

const MAX_ELEMENTS = 2000
const MAX_DEPTH = 24
const SEQUENCE = 0x30
const TAGS = [0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x17, 0x18, 0x30, 0x31, 0xa0, 0xa3]
const MAX_NESTED_BYTES = 60_000
const NOTHING = new Uint8Array(0)

/**
 * Changes one element of a DER structure: another tag, other content, doubled, removed, replaced by another
 * element, wrapped or nested deeply.
 */
export function editDer(bytes: Uint8Array, random: Random, elements = derSpans(bytes)): Uint8Array {
  if (elements.length === 0) return bytes.length > 0 ? bytes.subarray(0, bytes.length - 1) : bytes
  const target = random.pick(elements)
  return replaceSpan(bytes, target, edited(bytes, target, elements, random), ({ start }, content) =>
    encode(bytes[start]!, content),
  )
}

function edited(bytes: Uint8Array, target: Span, elements: readonly Span[], random: Random): Uint8Array {
  const whole = bytes.subarray(target.start, target.end)
  const content = bytes.subarray(target.content, target.end)
  const tag = bytes[target.start]!
  switch (random.below(12)) {
    case 0:
      return NOTHING
    case 1:
      return concat(whole, whole)
    case 2: {
      const other = random.pick(elements)
      return bytes.subarray(other.start, other.end)
    }
    case 3:
      return withTag(whole, random.next() & 0xff)
    case 4:
      return withTag(whole, random.pick(TAGS))
    case 5:
      return encode(tag, NOTHING)
    case 6:
      return encode(tag, concat(new Uint8Array([0]), content))
    case 7:
      return encode(tag, content.subarray(1))
    case 8:
      return encode(tag, concat(content, new Uint8Array([random.next() & 0xff])))
    case 9:
      return encode(SEQUENCE, whole)
    case 10: {
      const out = whole.slice()
      const header = target.content - target.start
      if (out.length > header) out[header + random.below(out.length - header)]! ^= 1 << random.below(8)
      return out
    }
    default:
      return nest(whole, random.below(16) === 0 ? 2000 : random.pick([3, 40, 200]))
  }
}

/** Sequences around sequences, the headers written from the innermost out. */
function nest(bytes: Uint8Array, levels: number): Uint8Array {
  const headers: Uint8Array[] = []
  let { length } = bytes
  for (let level = 0; level < levels && length < MAX_NESTED_BYTES; level++) {
    const made = header(SEQUENCE, length)
    headers.push(made)
    length += made.length
  }
  return concat(...headers.reverse(), bytes)
}

function withTag(bytes: Uint8Array, tag: number): Uint8Array {
  const out = bytes.slice()
  out[0] = tag
  return out
}

/** Elements of a DER structure, those inside OCTET and BIT STRINGs left out. */
export function derSpans(bytes: Uint8Array): Span[] {
  const found: Span[] = []
  const walk = (from: number, to: number, parents: readonly Span[]): void => {
    for (let start = from; start < to && found.length < MAX_ELEMENTS;) {
      const place = headerAt(bytes, start, to)
      if (place === undefined) return
      const element = { start, ...place, parents }
      found.push(element)
      if ((bytes[start]! & 0x20) !== 0 && parents.length < MAX_DEPTH)
        walk(element.content, element.end, [element, ...parents])
      start = element.end
    }
  }
  walk(0, bytes.length, [])
  return found
}

function headerAt(
  bytes: Uint8Array,
  start: number,
  limit: number,
): { content: number; end: number } | undefined {
  const first = bytes[start + 1]
  if (first === undefined) return undefined
  let content = start + 2
  let length = first
  if (first > 0x7f) {
    length = 0
    for (let i = 0; i < (first & 0x7f); i++) length = length * 256 + (bytes[content++] ?? NaN)
  }
  const end = content + length
  return end <= limit ? { content, end } : undefined
}

function encode(tag: number, content: Uint8Array): Uint8Array {
  return concat(header(tag, content.length), content)
}

function header(tag: number, length: number): Uint8Array {
  return new Uint8Array(
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : length < 0x10000
          ? [tag, 0x82, length >> 8, length & 0xff]
          : [tag, 0x83, length >> 16, (length >> 8) & 0xff, length & 0xff],
  )
}
