import { concat } from '@sotto/protocol/bytes'

/** One element of a nested binary structure: where it starts, where its content does, where it ends. */
export interface Span {
  start: number
  content: number
  end: number
  /** Elements whose lengths count it, the innermost first. */
  parents: readonly Span[]
}

/** Puts other bytes in the place of an element and mends the lengths around it, so that the change is read. */
export function replaceSpan(
  bytes: Uint8Array,
  target: Span,
  replacement: Uint8Array,
  encode: (parent: Span, content: Uint8Array) => Uint8Array,
): Uint8Array {
  let [inner, start, end] = [replacement, target.start, target.end]
  for (const parent of target.parents) {
    const content = concat(bytes.subarray(parent.content, start), inner, bytes.subarray(end, parent.end))
    inner = encode(parent, content)
    ;({ start, end } = parent)
  }
  return concat(bytes.subarray(0, start), inner, bytes.subarray(end))
}
