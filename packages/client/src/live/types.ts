import type { SavedReceipt } from '@sotto/protocol/receipts'

/** Options of a live transcription. All are sent inside the encryption. */
export interface LiveOptions {
  /**
   * The audio is raw: signed 16-bit little-endian samples, one channel, at this many per second (1000-192000).
   * Absent: it begins with the header of its format: WAV, FLAC, MP3, Ogg Opus or WebM.
   */
  sampleRate?: number
  /** @default the service chooses */
  model?: string
  /** Spoken language, ISO 639-1. @default the model detects it, or knows one only */
  language?: string
  /** Text that precedes the recording. */
  prompt?: string
  /** Translate to English instead. Default false. */
  translate?: boolean
  /** What ends a stretch of speech. Text of it comes at once then. @default the service's own */
  voiceActivity?: {
    /** 0 to 1: how much louder than the noise speech must be. Default 0.5. */
    threshold?: number
    /** Silence kept before speech. Default 300. */
    prefixPaddingMs?: number
    /** Silence that ends it. Default 500. */
    silenceDurationMs?: number
  }
  /**
   * With `sampleRate`: seconds after which the recording goes on in another exchange, at the next pause of the speaker or
   * a tenth later where there is none. Relay and gateway end each exchange after 30 minutes, and each takes a token where
   * tokens are asked for. Without, and for files, which have one header, that is the end. @default 1500
   */
  exchangeSeconds?: number
  signal?: AbortSignal
}

/** What a live transcription says. The texts of all `delta` together are the text of `done`. */
export type LiveEvent =
  | { readonly type: 'delta'; readonly text: string }
  /** A stretch of speech is complete; its deltas came before. Seconds from the start of the recording. */
  | { readonly type: 'segment'; readonly start: number; readonly end: number; readonly text: string }
  | { readonly type: 'done'; readonly text: string }

/** Events of one recording, to be iterated once. Leaving the loop ends the recording. */
export interface LiveTranscription extends AsyncIterable<LiveEvent> {
  /**
   * The verified receipt, once `done` was read; of several exchanges that of the last one.
   * @throws as `Sotto.receiptOf`; `RECEIPT_MISSING` before there is an answer
   */
  receipt(): Promise<SavedReceipt>
  /** The verified receipts of all exchanges, in their order, once `done` was read. @throws as `Sotto.receiptOf` */
  receipts(): Promise<SavedReceipt[]>
}
