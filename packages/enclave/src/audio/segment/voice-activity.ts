import { MARGIN_DB } from './noise-floor.ts'
import type { SegmentOptions } from './segment-speech.ts'

/** How speech is told from silence, in the words of OpenAI's `server_vad`. */
export interface VoiceActivity {
  /** 0 to 1: how clearly speech stands out of the noise. */
  readonly threshold: number
  /** Silence kept before and behind speech, in milliseconds. */
  readonly prefixPaddingMs: number
  /** Silence that ends a stretch of speech, in milliseconds. */
  readonly silenceDurationMs: number
}

/** What `chunking_strategy=auto` means, and each field that a client leaves out. */
export const DEFAULT_VOICE_ACTIVITY: VoiceActivity = {
  threshold: 0.5,
  prefixPaddingMs: 300,
  silenceDurationMs: 500,
}

/** Options of `segmentSpeech`. The threshold is a margin over the noise: 0 dB at 0, twice the usual one at 1. */
export function segmentOptionsOf({
  threshold,
  prefixPaddingMs,
  silenceDurationMs,
}: VoiceActivity): SegmentOptions {
  return {
    marginDb: 2 * MARGIN_DB * threshold,
    paddingSeconds: prefixPaddingMs / 1000,
    endPauseSeconds: Math.max(0.1, silenceDurationMs / 1000),
  }
}
