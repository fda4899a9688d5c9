import { argmax, logSumExp, NEVER, type Processor } from '../seq2seq/index.ts'
import type { WhisperConfig } from './config.ts'

/**
 * The rules of Whisper's timestamps (`ApplyTimestampRules` of openai/whisper): in pairs but at the end, never going
 * back, one at the beginning, and one wherever all of them together are likelier than any other token.
 *
 * @param begin tokens before the first that is generated
 */
export function timestampRules(
  config: Pick<WhisperConfig, 'noTimestampsToken' | 'firstStamp' | 'endToken' | 'maxInitialStamp'>,
  begin: number,
): Processor {
  const { noTimestampsToken, firstStamp, endToken, maxInitialStamp } = config
  return (tokens, scores) => {
    scores[noTimestampsToken] = NEVER
    const made = tokens.slice(begin)
    const isStamp = (place: number): boolean => made[place]! >= firstStamp
    const lastWas = made.length > 0 && isStamp(made.length - 1)
    const previousWas = made.length < 2 || isStamp(made.length - 2)
    if (lastWas) {
      if (previousWas) scores.fill(NEVER, firstStamp)
      else scores.fill(NEVER, 0, endToken)
    }
    const latest = made.findLast((token) => token >= firstStamp)
    if (latest !== undefined) scores.fill(NEVER, firstStamp, lastWas && !previousWas ? latest : latest + 1)
    if (made.length === 0) {
      scores.fill(NEVER, 0, firstStamp)
      if (maxInitialStamp !== undefined) scores.fill(NEVER, firstStamp + maxInitialStamp + 1)
    }
    const text = scores.subarray(0, firstStamp)
    if (logSumExp(scores, firstStamp, scores.length) > text[argmax(text)]!) scores.fill(NEVER, 0, firstStamp)
  }
}
