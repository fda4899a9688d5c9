import type { VoiceActivity } from '../audio/segment/voice-activity.ts'
import type { TokenLogprob, TokenUsage } from './token-types.ts'

/** Options of a transcription. Engines ignore what cannot apply to them, except `task: 'translate'`. */
export interface TranscribeParams {
  /** ISO 639-1 code; absent: detect, or the model's only language. */
  readonly language?: string
  /** `translate` (to English) is `ENGINE_UNSUPPORTED` where the model cannot. Default `transcribe`. */
  readonly task?: 'transcribe' | 'translate'
  /** Text that precedes the audio, to condition the decoder. */
  readonly prompt?: string
  /** Words likely to occur. */
  readonly hotwords?: readonly string[]
  /** Sampling temperatures tried in order until the thresholds hold. Default `[0]` or the engine's own ladder. */
  readonly temperatures?: readonly number[]
  /** Beams at temperature 0. Default 1. */
  readonly beams?: number
  /** Compute `words` of each segment. Default false. */
  readonly wordTimestamps?: boolean
  /** Report token log-probabilities. Default false. */
  readonly logprobs?: boolean
  /** Above it a segment counts as failed (a loop). Default 2.4. */
  readonly compressionRatioThreshold?: number
  /** Below it a segment counts as failed. Default -1. */
  readonly logprobThreshold?: number
  /** Above it, with a low log-probability, a segment is silence. Default 0.6. */
  readonly noSpeechThreshold?: number
  /** Feed the text of earlier segments to later ones. Default true. */
  readonly conditionOnPreviousText?: boolean
  /** Answer while somebody speaks: shorter windows where nobody pauses, at some cost. Default false. */
  readonly early?: boolean
  /** Cut the recording where nobody speaks, and answer each stretch as it ends. Default: the engine's own way. */
  readonly voiceActivity?: VoiceActivity
}

/** One word with its time in seconds from the start of the recording. */
export interface TranscriptWord {
  readonly word: string
  readonly start: number
  readonly end: number
  /** Geometric mean probability of its tokens, 0..1. */
  readonly probability: number
}

/** One stretch of speech. Times in seconds from the start of the recording. */
export interface TranscriptSegment {
  /** 0, 1, 2 ... */
  readonly id: number
  /** Where decoding of this stretch began, in frames of 10 ms (OpenAI `seek`). */
  readonly seek: number
  readonly start: number
  readonly end: number
  readonly text: string
  readonly tokens: readonly number[]
  readonly temperature: number
  /** Mean natural-log probability of the tokens. */
  readonly avgLogprob: number
  /** Bytes of the text over bytes of its deflate form; high means repetition. */
  readonly compressionRatio: number
  /** Probability that nothing is said: Whisper's class for it; with CTC, of writing nothing in this stretch. */
  readonly noSpeechProb: number
  readonly words?: readonly TranscriptWord[]
  readonly logprobs?: readonly TokenLogprob[]
}

/**
 * What a transcription yields, in order. The concatenation of all `delta.text` is `done.text`.
 * A segment follows the deltas that make it up.
 */
export type TranscriptEvent =
  | { readonly type: 'delta'; readonly text: string }
  | { readonly type: 'segment'; readonly segment: TranscriptSegment }
  | {
      readonly type: 'done'
      readonly text: string
      /** ISO 639-1. */
      readonly language: string
      readonly durationSeconds: number
      readonly usage: TokenUsage
    }
