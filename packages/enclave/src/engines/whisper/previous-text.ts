import type { WhisperConfig } from './config.ts'

/** Text that stands before a window: what was said, what the caller gave, and words to expect. */
export interface PreviousText {
  /** Tokens of the caller's prompt. */
  readonly prompt: readonly number[]
  /** Tokens of words likely to occur; they stand first in every window. */
  readonly hotwords: readonly number[]
  /** Tokens of earlier segments, each list that of one segment. */
  readonly segments: readonly (readonly number[])[]
  /** Whether earlier segments count. The prompt then counts as the first of them, else it stands before each window. */
  readonly conditioned: boolean
}

/**
 * What goes before the start token of a window: `<|startofprev|>` and the latest tokens, at most one less than half
 * of what the decoder holds; nothing where there is no text or the model knows no such token.
 */
export function previousTokens(
  { prompt, hotwords, segments, conditioned }: PreviousText,
  { previousToken, maxTokens, firstStamp }: Pick<WhisperConfig, 'previousToken' | 'maxTokens' | 'firstStamp'>,
): number[] {
  if (previousToken === undefined) return []
  const room = Math.floor(maxTokens / 2) - 1
  // The second stamp of a closing pair only says that more follows.
  const said = conditioned
    ? segments.flatMap((tokens) =>
        tokens.length > 2 && tokens.at(-2)! >= firstStamp ? tokens.slice(0, -1) : tokens,
      )
    : []
  const text = [...prompt, ...said]
  const hot = hotwords.slice(0, room >> 1)
  const rest = room - hot.length
  const kept = [...hot, ...(rest > 0 ? text.slice(-rest) : [])]
  return kept.length > 0 ? [previousToken, ...kept] : []
}
