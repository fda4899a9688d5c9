import { bleu, rouge } from '@sotto/client/quality'

/** A summary beside a reference, each 0 to 1: F1 of each ROUGE, and BLEU-4. */
export interface Scores {
  rouge1: number
  rouge2: number
  rougeL: number
  bleu: number
}

/** Undefined without a reference. */
export function scoresOf(summary: string, reference: string): Scores | undefined {
  if (reference.trim() === '' || summary === '') return undefined
  const { rouge1, rouge2, rougeL } = rouge(summary, reference)
  return { rouge1: rouge1.f1, rouge2: rouge2.f1, rougeL: rougeL.f1, bleu: bleu(summary, reference) }
}
