/**
 * Edit distance of sequences over the length of the references, summed over all pairs: word error rate when they are
 * words, character error rate when they are characters. May be above 1. 0 where there is no reference at all.
 */
export function errorRate(
  pairs: readonly (readonly [found: readonly string[], reference: readonly string[]])[],
): number {
  let errors = 0
  let length = 0
  for (const [found, reference] of pairs) {
    errors += editDistance(found, reference)
    length += reference.length
  }
  return length === 0 ? 0 : errors / length
}

/** Insertions, deletions and replacements between two sequences (Levenshtein 1966). */
function editDistance(a: readonly string[], b: readonly string[]): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length]!
}
