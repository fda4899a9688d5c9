import { countNgrams, countShared, wordsOf } from './words.ts'

const ORDER = 4

/**
 * BLEU-4 of one text against one reference, 0 to 1 (Papineni et al. 2002, section 2): clipped precision of n-grams up
 * to four words and the brevity penalty. Above single words each count is one higher, so that one text without a
 * common run of four words is not simply 0 (Lin and Och 2004, "ORANGE", section 4.1).
 */
export function bleu(text: string, reference: string): number {
  const [found, wanted] = [wordsOf(text), wordsOf(reference)]
  if (found.length === 0 || wanted.length === 0) return 0
  let logs = 0
  for (let order = 1; order <= ORDER; order++) {
    const smoothing = order === 1 ? 0 : 1
    const shared = countShared(countNgrams(found, order), countNgrams(wanted, order)) + smoothing
    const total = Math.max(0, found.length - order + 1) + smoothing
    if (shared === 0) return 0
    logs += Math.log(shared / total) / ORDER
  }
  return Math.exp(Math.min(0, 1 - wanted.length / found.length) + logs)
}
