import { refused } from './source.ts'

/** Bytes of one line at most: one is held at a time. */
export const MAX_LINE_BYTES = 16_777_216

/** A line without its end. */
export interface Line {
  /** From 1. */
  number: number
  bytes: Uint8Array
}

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/**
 * Lines of a file that comes in any pieces. What follows the last line feed is a line if there is any of it.
 * @param name of the file, for the error
 * @throws `ROOM_DATA_SOURCE` a line has more than {@link MAX_LINE_BYTES}
 */
export async function* linesOf(name: string, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  const parts: Uint8Array[] = []
  let held = 0
  let number = 1
  const hold = (part: Uint8Array): void => {
    held += part.length
    if (held > MAX_LINE_BYTES)
      throw refused(`line ${number} of ${name} is too long`, { expected: `at most ${MAX_LINE_BYTES} bytes` })
    if (part.length > 0) parts.push(part)
  }
  const take = (): Line => {
    const bytes = new Uint8Array(held)
    for (const part of parts.splice(0)) {
      bytes.set(part, bytes.length - held)
      held -= part.length
    }
    return { number: number++, bytes: withoutReturn(bytes) }
  }
  for await (const piece of pieces) {
    let at = 0
    for (;;) {
      const end = piece.indexOf(LINE_FEED, at)
      if (end < 0) break
      hold(piece.subarray(at, end))
      yield take()
      at = end + 1
    }
    hold(piece.subarray(at))
  }
  if (held > 0) yield take()
}

function withoutReturn(line: Uint8Array): Uint8Array {
  return line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line
}
