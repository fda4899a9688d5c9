import { countNgrams, countShared, wordsOf } from './words.ts'

/** Overlap of a summary with a reference, each 0 to 1. */
export interface Overlap {
  /** Share of the reference that the summary has. */
  readonly recall: number
  /** Share of the summary that the reference has. */
  readonly precision: number
  /** Harmonic mean of the two. */
  readonly f1: number
}

/** ROUGE of a summary: by words, by pairs of words, and by the longest common subsequence of words. */
export interface Rouge {
  readonly rouge1: Overlap
  readonly rouge2: Overlap
  readonly rougeL: Overlap
}

/** Words of a text at most: the longest common subsequence takes time with the product of both lengths. */
export const MAX_ROUGE_WORDS = 20_000

/**
 * ROUGE-1, ROUGE-2 and ROUGE-L (Lin 2004, "ROUGE: a package for automatic evaluation of summaries", sections 2 and
 * 3.1) on lower-case words, without stemming and with every word counted. Words past {@link MAX_ROUGE_WORDS} count
 * nowhere.
 */
export function rouge(summary: string, reference: string): Rouge {
  const [found, wanted] = [summary, reference].map((text) => wordsOf(text).slice(0, MAX_ROUGE_WORDS)) as [
    string[],
    string[],
  ]
  const byNgrams = (order: number): Overlap =>
    overlap(
      countShared(countNgrams(found, order), countNgrams(wanted, order)),
      Math.max(0, found.length - order + 1),
      Math.max(0, wanted.length - order + 1),
    )
  return {
    rouge1: byNgrams(1),
    rouge2: byNgrams(2),
    rougeL: overlap(longestCommon(found, wanted), found.length, wanted.length),
  }
}

function overlap(shared: number, found: number, wanted: number): Overlap {
  const precision = found === 0 ? 0 : shared / found
  const recall = wanted === 0 ? 0 : shared / wanted
  return { recall, precision, f1: shared === 0 ? 0 : (2 * precision * recall) / (precision + recall) }
}

/** Length of the longest common subsequence. */
function longestCommon(a: readonly string[], b: readonly string[]): number {
  let row = new Uint32Array(b.length + 1)
  for (const word of a) {
    const next = new Uint32Array(b.length + 1)
    for (let j = 0; j < b.length; j++) {
      next[j + 1] = word === b[j] ? row[j]! + 1 : Math.max(row[j + 1]!, next[j]!)
    }
    row = next
  }
  return row[b.length]!
}
