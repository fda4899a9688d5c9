/** Token counts of one call. Engines without tokens count words, and say so in their model card. */
export interface TokenUsage {
  readonly inputTokens: number
  readonly outputTokens: number
  /** Of the input tokens, those that did not have to be evaluated again. Only where the request had a `cacheSalt`. */
  readonly cachedInputTokens?: number
}

/** A decoded token and its natural-log probability. */
export interface TokenLogprob {
  readonly token: number
  readonly text: string
  readonly logprob: number
  /** Nothing stands before it, so it has no probability; `logprob` is 0. */
  readonly isFirst?: true
  /** The likeliest tokens at this place, best first, when asked for. */
  readonly top?: readonly { readonly token: number; readonly text: string; readonly logprob: number }[]
}
