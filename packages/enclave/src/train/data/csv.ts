/** CSV (RFC 4180) from bytes, cell by cell: a file is not made one string, whose length engines bound. */

const COMMA = 0x2c
const QUOTE = 0x22
const CR = 0x0d
const LF = 0x0a

/** One record: where each cell lies. Quotes are taken off, and double ones made single, when the cell is read. */
export interface CsvRecord {
  readonly starts: number[]
  readonly ends: number[]
}

/**
 * Walks over the records of a file; lines of nothing are none. The record is the same object each time.
 * @returns false where a quote stands in the wrong place or is never closed
 */
export function walkCsv(bytes: Uint8Array, visit: (record: CsvRecord) => void): boolean {
  const record: CsvRecord = { starts: [], ends: [] }
  // A byte order mark is none of the first name.
  let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  while (at < bytes.length) {
    record.starts.length = 0
    record.ends.length = 0
    for (;;) {
      const start = at
      if (bytes[at] === QUOTE) {
        at = closingQuote(bytes, at + 1) + 1
        if (at === 0) return false
      } else {
        while (at < bytes.length && bytes[at] !== COMMA && bytes[at] !== LF && bytes[at] !== QUOTE) at++
        if (bytes[at] === QUOTE) return false
      }
      record.starts.push(start)
      record.ends.push(at > start && bytes[at] !== COMMA && bytes[at - 1] === CR ? at - 1 : at)
      if (bytes[at] === CR && bytes[at + 1] === LF) at++
      if (at >= bytes.length || bytes[at] === LF) break
      if (bytes[at] !== COMMA) return false
      at++
    }
    at++
    const isEmpty = record.starts.length === 1 && record.starts[0] === record.ends[0]
    if (!isEmpty) visit(record)
  }
  return true
}

/** Bytes of a cell, without its quotes. */
export function cellBytes(bytes: Uint8Array, record: CsvRecord, column: number): Uint8Array {
  const start = record.starts[column]!
  const end = record.ends[column]!
  if (bytes[start] !== QUOTE) return bytes.subarray(start, end)
  const inside = bytes.subarray(start + 1, end - 1)
  if (!inside.includes(QUOTE)) return inside
  const out = new Uint8Array(inside.length)
  let length = 0
  for (let at = 0; at < inside.length; at++) {
    if (inside[at] === QUOTE) at++
    out[length++] = inside[at]!
  }
  return out.subarray(0, length)
}

/** Where the quote closes; -1 if it does not. */
function closingQuote(bytes: Uint8Array, from: number): number {
  for (let at = from; ; at += 2) {
    at = bytes.indexOf(QUOTE, at)
    if (at < 0) return -1
    if (bytes[at + 1] !== QUOTE) return at
  }
}
