/**
 * Word error rate: word-level edit distance over the number of reference words (NIST). Case and
 * punctuation do not count.
 */
export function wordErrorRate(reference: string, hypothesis: string): number {
  const [expected, found] = [words(reference), words(hypothesis)]
  let row = Array.from({ length: found.length + 1 }, (_, i) => i)
  for (const [i, word] of expected.entries()) {
    const next = [i + 1]
    for (const [j, other] of found.entries()) {
      next.push(Math.min(row[j + 1]! + 1, next[j]! + 1, row[j]! + (word === other ? 0 : 1)))
    }
    row = next
  }
  return expected.length === 0 ? (found.length === 0 ? 0 : 1) : row[found.length]! / expected.length
}

function words(text: string): string[] {
  return text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}' ]/gu, ' ')
    .split(/\s+/)
    .filter(Boolean)
}
