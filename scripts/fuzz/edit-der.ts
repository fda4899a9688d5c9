import { concat } from '@sotto/protocol/bytes'
import type { Random } from './random.ts'

/** One element of DER: where it starts, where its content does, where it ends, and in which elements it lies. */
interface Element {
  start: number
  content: number
  end: number
  parents: readonly Element[]
}

const MAX_ELEMENTS = 2000
const MAX_DEPTH = 24

/**
 * Changes one element of a DER structure and mends the lengths around it, so that the change is read:
 * another tag, other content, doubled, removed, replaced by another element, wrapped or nested deeply.
 */
export function editDer(bytes: Uint8Array, random: Random): Uint8Array {
  const elements = elementsOf(bytes)
  if (elements.length === 0) return bytes.length > 0 ? bytes.subarray(0, bytes.length - 1) : bytes
  const target = random.pick(elements)
  const whole = bytes.subarray(target.start, target.end)
  const content = bytes.subarray(target.content, target.end)
  const other = random.pick(elements)
  const edits: (() => Uint8Array)[] = [
    () => new Uint8Array(0),
    () => concat(whole, whole),
    () => bytes.slice(other.start, other.end),
    () => withTag(whole, random.next() & 0xff),
    () =>
      withTag(whole, random.pick([0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x17, 0x18, 0x30, 0x31, 0xa0, 0xa3])),
    () => encode(bytes[target.start]!, new Uint8Array(0)),
    () => encode(bytes[target.start]!, concat(new Uint8Array([0]), content)),
    () => encode(bytes[target.start]!, content.subarray(1)),
    () => encode(bytes[target.start]!, concat(content, new Uint8Array([random.next() & 0xff]))),
    () => encode(0x30, whole),
    () => nest(whole, random.pick([40, 200, 2000])),
  ]
  let replacement = random.pick(edits)()
  let { start, end } = target
  for (const parent of target.parents.toReversed()) {
    const inner = concat(bytes.subarray(parent.content, start), replacement, bytes.subarray(end, parent.end))
    replacement = encode(bytes[parent.start]!, inner)
    ;({ start, end } = parent)
  }
  return concat(bytes.subarray(0, start), replacement, bytes.subarray(end))
}

function nest(bytes: Uint8Array, levels: number): Uint8Array {
  let out = bytes
  for (let level = 0; level < levels && out.length < 60_000; level++) out = encode(0x30, out)
  return out
}

function withTag(bytes: Uint8Array, tag: number): Uint8Array {
  const out = bytes.slice()
  out[0] = tag
  return out
}

function elementsOf(bytes: Uint8Array): Element[] {
  const found: Element[] = []
  const walk = (from: number, to: number, parents: readonly Element[]): void => {
    for (let start = from; start < to && found.length < MAX_ELEMENTS;) {
      const header = headerAt(bytes, start, to)
      if (header === undefined) return
      const element = { start, ...header, parents }
      found.push(element)
      if ((bytes[start]! & 0x20) !== 0 && parents.length < MAX_DEPTH)
        walk(element.content, element.end, [...parents, element])
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
  const { length } = content
  const header =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : length < 0x10000
          ? [tag, 0x82, length >> 8, length & 0xff]
          : [tag, 0x83, length >> 16, (length >> 8) & 0xff, length & 0xff]
  return concat(new Uint8Array(header), content)
}
