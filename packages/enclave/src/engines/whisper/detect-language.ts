import { createGraphDecoder, type DecoderGraphs, type Encoded, logSoftmax } from '../seq2seq/index.ts'
import type { WhisperConfig } from './config.ts'

/** Probability of each language for an encoded window, likeliest first. English for models that know no other. */
export async function detectLanguage(
  graphs: DecoderGraphs,
  encoded: Encoded,
  { startToken, languages }: Pick<WhisperConfig, 'startToken' | 'languages'>,
): Promise<{ language: string; probability: number }[]> {
  if (!languages) return [{ language: 'en', probability: 1 }]
  const step = await createGraphDecoder(graphs, encoded).step([[startToken]], [0])
  const names = [...languages]
  const scores = logSoftmax(Float32Array.from(names, ([, id]) => step.scores[0]![id]!))
  return names
    .map(([language], i) => ({ language, probability: Math.exp(scores[i]!) }))
    .toSorted((a, b) => b.probability - a.probability)
}
