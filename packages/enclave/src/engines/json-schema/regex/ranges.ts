/** Code points from the first to the last, both included. */
export type CodeRange = readonly [first: number, last: number]

/** A set of code points: sorted, and nothing touches. */
export type CodeSet = readonly CodeRange[]

/** The last code point there is. */
export const LAST_CODE_POINT = 0x10_ff_ff

/** Every code point, halves of surrogate pairs too: strings may hold them. */
export const EVERY: CodeSet = [[0, LAST_CODE_POINT]]

/** Sorts ranges and joins those that touch. */
export function codeSet(ranges: readonly CodeRange[]): CodeSet {
  const joined: [number, number][] = []
  for (const [first, last] of ranges.toSorted(([a], [b]) => a - b)) {
    const open = joined.at(-1)
    if (open !== undefined && first <= open[1] + 1) open[1] = Math.max(open[1], last)
    else joined.push([first, last])
  }
  return joined
}

/** All that is not in a set. */
export function complement(set: CodeSet): CodeSet {
  const rest: CodeRange[] = []
  let from = 0
  for (const [first, last] of set) {
    if (first > from) rest.push([from, first - 1])
    from = last + 1
  }
  if (from <= LAST_CODE_POINT) rest.push([from, LAST_CODE_POINT])
  return rest
}

/** What is in both. */
export function intersection(a: CodeSet, b: CodeSet): CodeSet {
  const both: CodeRange[] = []
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const first = Math.max(a[i]![0], b[j]![0])
    const last = Math.min(a[i]![1], b[j]![1])
    if (first <= last) both.push([first, last])
    if (a[i]![1] < b[j]![1]) i++
    else j++
  }
  return both
}

/** Whether a code point is in a set. */
export function isIn(code: number, set: CodeSet): boolean {
  let [low, high] = [0, set.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (set[middle]![1] < code) low = middle + 1
    else high = middle
  }
  return low < set.length && set[low]![0] <= code
}
