import { concat } from '@sotto/protocol/bytes'
import type { Random } from './random.ts'
import { replaceSpan, type Span } from './spans.ts'

const MAX_ITEMS = 2000
const MAX_DEPTH = 16
const [BYTES, TEXT, ARRAY, MAP, TAG] = [2, 3, 4, 5, 6]
const NOTHING = new Uint8Array(0)
/** null, true, an undefined, a float, a large number, an indefinite list, a break, an empty map, a long length. */
const ODD = [
  [0xf6],
  [0xf5],
  [0xf7],
  [0xf9, 0x7e, 0x00],
  [0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0x9f, 0xff],
  [0xff],
  [0xa0],
  [0x5a, 0xff, 0xff, 0xff, 0xff],
  [0x9b, 0, 0, 0, 1, 0, 0, 0, 0],
  [0xbb, 0, 0x20, 0, 0, 0, 0, 0, 0],
  [0x18, 0x01],
  [0x3b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
].map((bytes) => new Uint8Array(bytes))

/** Changes one item of a CBOR structure, also of one inside a byte string, whose length is mended. */
export function editCbor(bytes: Uint8Array, random: Random, items: readonly Span[]): Uint8Array {
  const target = random.pick(items)
  return replaceSpan(bytes, target, edited(bytes, target, items, random), (_, content) =>
    concat(head(BYTES, content.length), content),
  )
}

function edited(bytes: Uint8Array, target: Span, items: readonly Span[], random: Random): Uint8Array {
  const whole = bytes.subarray(target.start, target.end)
  const content = bytes.subarray(target.content, target.end)
  const major = bytes[target.start]! >> 5
  switch (random.below(10)) {
    case 0:
      return NOTHING
    case 1:
      return concat(whole, whole)
    case 2: {
      const other = random.pick(items)
      return bytes.subarray(other.start, other.end)
    }
    case 3:
      return random.pick(ODD)
    case 4:
      return concat(
        head(random.below(8), random.pick([0, 1, 23, 24, 255, 256, 65_536, content.length])),
        content,
      )
    case 5:
      return major === BYTES || major === TEXT
        ? concat(head(major, content.length >> 1), content)
        : whole.subarray(1)
    case 6:
      return concat(head(TAG, random.pick([18, 24, 61, 55_799])), whole)
    case 7:
      return concat(head(ARRAY, 1), whole)
    case 8: {
      const out = whole.slice()
      out[random.below(out.length)]! ^= 1 << random.below(8)
      return out
    }
    default: {
      const levels = random.below(16) === 0 ? 20_000 : random.pick([3, 17, 200])
      return concat(new Uint8Array(levels).fill(random.pick([0x81, 0xc1, 0xa1, 0x9f])), whole)
    }
  }
}

/** Items of a CBOR structure, those of byte strings that hold CBOR too. Their parents are those byte strings. */
export function cborSpans(bytes: Uint8Array): Span[] {
  const found: Span[] = []
  // The end of the item at `start`; NaN where there is none.
  const item = (start: number, limit: number, parents: readonly Span[], depth: number): number => {
    const first = bytes[start]
    if (start >= limit || first === undefined || found.length >= MAX_ITEMS || depth > MAX_DEPTH) return NaN
    const [major, info] = [first >> 5, first & 31]
    if (info > 27) return NaN
    const content = start + 1 + (info < 24 ? 0 : 2 ** (info - 24))
    let count = info < 24 ? info : 0
    for (let i = start + 1; info >= 24 && i < content; i++) count = count * 256 + (bytes[i] ?? NaN)
    const span = { start, content, end: content, parents }
    found.push(span)
    if (major === BYTES || major === TEXT) {
      span.end = content + count
      if (!(span.end <= limit)) return NaN
      const mark = found.length
      if (major === BYTES && count > 2 && item(content, span.end, [span, ...parents], depth + 1) !== span.end)
        found.length = mark
      return span.end
    }
    const inner = major === ARRAY ? count : major === MAP ? 2 * count : major === TAG ? 1 : 0
    for (let i = 0; i < inner && !Number.isNaN(span.end); i++)
      span.end = item(span.end, limit, parents, depth + 1)
    return span.end <= limit ? span.end : NaN
  }
  const end = item(0, bytes.length, [], 0)
  return end === bytes.length ? found : []
}

function head(major: number, value: number): Uint8Array {
  const top = major << 5
  return new Uint8Array(
    value < 24
      ? [top | value]
      : value < 0x100
        ? [top | 24, value]
        : value < 0x10000
          ? [top | 25, value >> 8, value & 0xff]
          : [top | 26, (value >>> 24) & 0xff, (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff],
  )
}
